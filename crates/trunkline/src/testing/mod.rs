//! What tests of services and of their callers need: a server and a client in one process, a
//! client directly on a service, and a far end that speaks frames by hand.
//!
//! Nothing here opens a socket, so all of it runs on paused time: in a test under
//! `#[tokio::test(start_paused = true)]` an hour of timeouts and heartbeats passes in a moment.
//! That attribute, like `tokio::time::pause`, needs tokio's feature `test-util`, which the feature
//! `testing` switches on.
//!
//! Which one to take:
//!
//! | for | take |
//! |---|---|
//! | the logic of a service | [`direct`]: layers, routing, codecs and handlers, no connection |
//! | behaviour of connections: pushes, stopping, limits | [`connected`] |
//! | how a caller copes with servers that fail | [`ScriptedServer`] on a [`Network`] |
//! | what a client does with a registry's lists | [`SettableRegistry`] |
//! | how a client, its settings and a whole fleet do in an outage | [`Simulation`] |
//! | a far end that breaks the protocol, or what exactly is on the wire | [`FramePeer`] and [`FrameListener`] |

mod connected;
mod direct;
mod frame_peer;
mod network;
mod script;
mod settable_registry;
mod simulation;

pub use connected::{connected, connected_with};
pub use direct::{direct, direct_with};
pub use frame_peer::{FrameListener, FramePeer};
pub use network::Network;
pub use script::{Ending, Received, Script, ScriptedServer, Step};
pub use settable_registry::SettableRegistry;
pub use simulation::{Behaviour, Event, Figures, Load, Outcome, RegistryEvent, ServiceTime, Simulation};
