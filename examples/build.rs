//! Compiles the `.proto` files into Rust: protox parses them, prost-build writes the types. No `protoc` is needed.

type Anything = Box<dyn std::error::Error>;

fn main() -> Result<(), Anything> {
    println!("cargo::rerun-if-changed=proto");
    let files = protox::compile(["warehouse.proto"], ["proto"])?;
    prost_build::Config::new().compile_fds(files)?;
    Ok(())
}
