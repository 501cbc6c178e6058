//! Frames that arrive in pieces.

use std::marker::PhantomData;

use futures_util::future::try_join_all;

use super::{Env, Pieces};
use crate::check::{Check, During, equal};
use crate::dialect::Dialect;

/// A request and a reply byte by byte, then 49 of each cut at odd places.
pub(super) async fn torn_frames<D: Dialect>(_: PhantomData<D>, env: Env<'_>) -> Check {
    let line = env.connect_with(&env.go.address, Pieces::Torn, |builder| builder).await?;
    let service = line.client.service_in(D::SERVICE, D::FORMAT);
    let call = async |n: usize| {
        let blob = D::blob(format!("blob {n}"), Vec::new());
        let reply: D::Blob = service.call("Blob", &blob).await.during("call")?;
        equal("reply", D::parts(&reply), D::parts(&blob))
    };
    call(1).await?;
    try_join_all((2..=50).map(call)).await?;
    equal("responses", line.tap.responses().len(), 50)
}
