//! The struct with every shape of value, field by field against what the Go process says.

use std::marker::PhantomData;

use serde_json::Value;

use super::Env;
use crate::check::{Check, During, equal, expect};
use crate::dialect::Structured;
use crate::messages::Everything;
use crate::messages::canonical::Canonical;
use crate::messages::plain::Floats;

/// Our value there and back.
pub(super) async fn echo<D: Structured>(_: PhantomData<D>, env: Env<'_>) -> Check {
    let line = env.connect().await?;
    let args = D::Everything::from(env.values.variant(env.step.variant)?.clone());
    let service = line.client.service_in(D::SERVICE, D::STRUCTS);
    let reply: D::Everything = service.call("Echo", &args).await.during("call")?;
    compared::<D>(env, &reply.into())
}

/// The server's value, and the server's account of its fields.
pub(super) async fn make<D: Structured>(_: PhantomData<D>, env: Env<'_>) -> Check {
    let line = env.connect().await?;
    let service = line.client.service_in(D::SERVICE, D::STRUCTS);
    let reply: D::Made = service.call("Make", &D::pick(env.step.variant as i32)).await.during("call")?;
    let (value, account) = D::made(reply);
    compared::<D>(env, &value)?;
    let expected = env.values.fields(env.step.variant, D::LOOSE)?;
    equal("fields in the account", account.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>())?;
    for (name, text) in account {
        let said: Value = serde_json::from_str(&text).during(&name)?;
        equal(&format!("account of {name}"), Some(&said), expected.get(&name))?;
    }
    Ok(())
}

/// The server compares our value with its own.
pub(super) async fn check<D: Structured>(_: PhantomData<D>, env: Env<'_>) -> Check {
    let line = env.connect().await?;
    let service = line.client.service_in(D::SERVICE, D::STRUCTS);
    let mut value = env.values.variant(env.step.variant)?.clone();
    let reply: D::Checked =
        service.call("Check", &D::Everything::from(value.clone())).await.during("call")?;
    expect(D::checked(reply).is_empty(), || "the server finds fields that differ".to_owned())?;
    // A check that finds nothing proves something only if it can find something.
    value.text.push('!');
    value.ints.i8 = value.ints.i8.wrapping_add(1);
    let reply: D::Checked = service.call("Check", &D::Everything::from(value)).await.during("call")?;
    equal("fields found to differ in a changed value", D::checked(reply), ["Ints", "Text"])
}

/// NaN, the infinities, negative zero.
pub(super) async fn floats<D: Structured>(_: PhantomData<D>, env: Env<'_>) -> Check {
    let line = env.connect().await?;
    let service = line.client.service_in(D::SERVICE, D::STRUCTS);
    let odd = Floats {
        f32: vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0],
        f64: vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0],
    };
    let reply: D::Floats = service.call("Floats", &D::floats(odd.clone())).await.during("call")?;
    equal("floats", D::plain_floats(reply).canonical(false), odd.canonical(false))
}

fn compared<D: Structured>(env: Env<'_>, value: &Everything) -> Check {
    let found = env.values.differences(env.step.variant, value, D::LOOSE)?;
    expect(found.differ.is_empty(), || found.detail.join("\n"))
}
