//! All functions, connected as the template connects them: the API's routes, the bus with its
//! rules, a queue for each network.

#![expect(clippy::expect_used, reason = "a bundle that can't be set up is a failed test")]
#![expect(clippy::missing_panics_doc, reason = "all of it is called by tests, to fail them")]

mod bundle;
mod bus;
mod description;
mod fake_intake;
mod fake_webhook;
pub mod log;
mod orders;
pub mod outputs;
mod reply;
pub mod sign;

pub use bundle::{Bundle, PATHS, api_event, encode};
pub use bus::{Bus, concerns};
pub use description::Description;
pub use fake_intake::FakeIntake;
pub use fake_webhook::FakeWebhook;
pub use orders::{bare, minimal, with};
pub use reply::Reply;
