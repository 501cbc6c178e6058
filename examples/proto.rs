//! Serves an existing `.proto`: the types come from `build.rs`, which needs no `protoc`.
//!
//! `cargo run --example proto`

use trunkline::{Client, Error, ErrorKind, Failure, Result, Server};

/// What `build.rs` made of `proto/warehouse.proto`.
mod warehouse {
    include!(concat!(env!("OUT_DIR"), "/warehouse.v1.rs"));
}

use warehouse::{FindReply, FindRequest, Place};

/// The service of the `.proto`. On the wire it is called what a Go server registers it as: a path without the package.
#[trunkline::service(codecs(protobuf))]
trait Warehouse {
    #[method(idempotent)]
    async fn find(&self, request: FindRequest) -> Result<FindReply>;
}

struct Halls;

impl Warehouse for Halls {
    async fn find(&self, request: FindRequest) -> Result<FindReply> {
        match request.article.as_str() {
            "bolt" => {
                let places = [("north", 7), ("south", 12)];
                let place = |(hall, shelf): (&str, u32)| Place { hall: hall.to_owned(), shelf };
                Ok(FindReply { places: places.map(place).into() })
            }
            other => Err(Failure::new(format!("there is no {other} here")).with_kind(ErrorKind::NotFound)),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let server = Server::builder().service(Halls.into_service()).bind("tcp@127.0.0.1:0").await?.spawn();
    let warehouse = WarehouseClient::new(Client::connect(server.address()).await?);

    for article in ["bolt", "unicorn"] {
        match warehouse.find(FindRequest { article: article.to_owned() }).await {
            Ok(reply) => {
                for place in reply.places {
                    println!("{article}: hall {}, shelf {}", place.hall, place.shelf);
                }
            }
            Err(error) => println!("{article}: {error}"),
        }
    }

    println!("\nwhat is known of the service:");
    let about = WarehouseClient::describe();
    for method in about.methods {
        println!(
            "  {}.{}: {} -> {} in {}",
            about.path,
            method.name,
            method.args,
            method.reply,
            method.formats.join(", ")
        );
    }

    server.stop().await;
    Ok(())
}
