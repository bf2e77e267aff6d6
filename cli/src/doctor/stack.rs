//! The stack's own state.

use super::Finding;
use crate::{account::Account, failure::Failure};

#[expect(clippy::unused_async, reason = "every area is a future")]
pub(super) async fn findings(account: &Account) -> Result<Vec<Finding>, Failure> {
    Ok(judge(&account.place.stack, &account.place.status).into_iter().collect())
}

fn judge(stack: &str, status: &str) -> Option<Finding> {
    let done =
        ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"];
    if done.contains(&status) {
        return None;
    }
    let what = format!("the stack is {status}: its parts may be of different versions");
    let cure = "Wait until the deployment has ended; if it failed, see the stack's events and run \
                `make deploy` again.";
    Some(Finding::new("stack_unfinished", stack, what, cure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_has_ended() {
        assert_eq!(judge("postback", "UPDATE_COMPLETE"), None);
        assert_eq!(judge("postback", "UPDATE_ROLLBACK_COMPLETE"), None);
        for status in ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED", "ROLLBACK_COMPLETE"] {
            assert_eq!(judge("postback", status).map(|it| it.code), Some("stack_unfinished"));
        }
    }
}
