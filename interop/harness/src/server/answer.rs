//! What every handler does with metadata: a pair `in-NAME` comes back as `out-NAME`.

use trunkline::Ctx;

pub(super) fn answer(ctx: &Ctx) {
    for (key, value) in ctx.metadata().iter() {
        if let Some(name) = key.strip_prefix(b"in-") {
            ctx.reply_metadata([b"out-", name].concat(), value);
        }
    }
}
