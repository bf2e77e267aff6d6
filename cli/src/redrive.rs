//! `orders redrive`: dead letters back on their network's queue, faulty orders of the bus back on
//! intake's or corrected on the bus. Each is sent, then deleted: if anything fails in between, an
//! order is there once too often, and is still reported once. Or what a person names is deleted.

use std::collections::HashSet;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use postback_core::clock::Timestamp;
use postback_runtime::services::{Bus, EventBus};

use crate::{
    account::{Account, Network, failed},
    args::Redrive,
    failure::Failure,
    view::{Output, table},
};

mod corrected;
mod discard;
mod letter;
mod shown;
#[cfg(test)]
mod tests;
mod why;

use corrected::Corrected;
use letter::{Content, attribute, event, is_untaken};
pub(crate) use shown::{Done, Letter};
use shown::{View, row, why_left};

/// The time for which a message is hidden from others while it is handled, in seconds.
const HIDDEN: i32 = 120;

const NO_MESSAGE: &str = "there is no message of this id. --dry-run shows those that are there.";

pub(crate) async fn run(
    account: &Account,
    wanted: &Redrive,
    now: Timestamp,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if !wanted.discard.is_empty() {
        discard::confirm(account, wanted, now, output).await?;
    }
    let (letters, worked) = redrive(account, wanted, now).await?;
    let mut lines = lines(&letters);
    let name = wanted.network.as_ref().map(|name| name.replace('-', "_"));
    let name = name.as_deref();
    if letters.is_empty() && worked.is_ok() {
        let of = name.unwrap_or("the bus");
        lines = vec![format!("The dead-letter queue of {of} is empty.")];
    }
    output.answer(&lines, &View { network: name, letters: &letters });
    worked?;
    if !wanted.discard.is_empty() {
        return discard::is_done(wanted, &letters, Done::Discarded);
    }
    if wanted.message.is_some() {
        let done = letters.iter().any(|letter| letter.done == Done::Corrected);
        let left = letters.len();
        return if done { Ok(()) } else { Err(Failure::Left { left, why: NO_MESSAGE }) };
    }
    let left = letters.iter().filter(|letter| letter.done == Done::Left).count();
    match (left, wanted.dry_run) {
        (0, _) | (_, true) => Ok(()),
        _ => Err(Failure::Left { left, why: why_left(&letters) }),
    }
}

fn lines(letters: &[Letter]) -> Vec<String> {
    let rows: Vec<_> = letters.iter().map(row).collect();
    table(&["order", "reason", "done", "message"], &rows)
}

/// The letters, each with what was done about it; and the failure that ended it, if one did.
pub(crate) async fn redrive(
    account: &Account,
    wanted: &Redrive,
    now: Timestamp,
) -> Result<(Vec<Letter>, Result<(), Failure>), Failure> {
    let network = wanted.network.as_deref().map(|name| account.network(name)).transpose()?;
    let queues = match &network {
        Some(Network { prefix, .. }) if wanted.status => {
            let output = |name| account.output(&format!("{prefix}Status{name}Url"));
            vec![(output("Letters")?, Some(output("Queue")?))]
        }
        Some(network) => {
            vec![(account.dead_letter_queue_url(network)?, Some(account.queue_url(network)?))]
        }
        // What the bus itself could not bring to any rule is encrypted, and goes back to no queue.
        None => vec![
            (account.output("FaultyOrdersQueueUrl")?, Some(account.output("BusOrdersQueueUrl")?)),
            (account.output("BusLettersUrl")?, None),
        ],
    };
    let corrected = wanted.order.as_deref().map(|file| Corrected::load(file, now)).transpose()?;
    let (mut letters, mut worked) = (Vec::new(), Ok(()));
    for (from, to) in queues {
        let mut work = Work {
            account,
            network: network.as_ref(),
            from,
            to,
            wanted,
            now,
            corrected: corrected.as_ref(),
            letters,
            hidden: Vec::new(),
            put_back: HashSet::new(),
        };
        worked = work.all().await;
        // After a failure, too: others see the remaining messages at once, and the result is shown.
        work.release().await;
        letters = work.letters;
        if worked.is_err() {
            break;
        }
    }
    letters.retain(|letter| wanted.discard.is_empty() || discard::is_named(wanted, letter));
    Ok((letters, worked))
}

struct Work<'a> {
    account: &'a Account,
    /// `None` for the bus.
    network: Option<&'a Network>,
    /// The URL of the queue of dead letters.
    from: &'a str,
    /// The URL of the queue that they go back to, if there is one.
    to: Option<&'a str>,
    wanted: &'a Redrive,
    now: Timestamp,
    corrected: Option<&'a Corrected>,
    letters: Vec<Letter>,
    /// The messages that are hidden from others until they are released.
    hidden: Vec<String>,
    /// The bodies that were put back. One that is here again would come back for ever.
    put_back: HashSet<String>,
}

impl<'a> Work<'a> {
    async fn all(&mut self) -> Result<(), Failure> {
        let mut seen = HashSet::new();
        while self.letters.len() < self.wanted.limit {
            let messages = self.receive(self.wanted.limit - self.letters.len()).await?;
            if messages.is_empty() {
                return Ok(());
            }
            for message in messages {
                // A letter comes a second time: all have been seen.
                if !seen.insert(message.message_id().unwrap_or_default().to_owned()) {
                    return Ok(());
                }
                self.handle(&message).await?;
            }
        }
        let named = self.letters.iter().filter(|letter| discard::is_named(self.wanted, letter));
        let is_done = self.letters.iter().any(|letter| letter.done == Done::Corrected)
            || (!self.wanted.discard.is_empty() && named.count() == self.wanted.discard.len());
        let others = if is_done { Vec::new() } else { self.receive(1).await? };
        let is_new = |message: &Message| !seen.contains(message.message_id().unwrap_or_default());
        if others.iter().any(is_new) {
            return Err(Failure::More { limit: self.wanted.limit });
        }
        Ok(())
    }

    /// Receives messages. All of them are hidden, also those that a failure keeps from being handled.
    async fn receive(&mut self, most: usize) -> Result<Vec<Message>, Failure> {
        let receive = self
            .account
            .queues
            .receive_message()
            .queue_url(self.from)
            .max_number_of_messages(i32::try_from(most.min(10)).unwrap_or(10))
            .visibility_timeout(HIDDEN)
            .wait_time_seconds(1)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All);
        let output = receive.send().await;
        let output = output.map_err(|error| failed("SQS", "ReceiveMessage", &error))?;
        let messages = output.messages.unwrap_or_default();
        let handles = messages.iter().filter_map(|message| message.receipt_handle());
        self.hidden.extend(handles.map(str::to_owned));
        Ok(messages)
    }

    async fn handle(&mut self, message: &Message) -> Result<(), Failure> {
        let handle = message.receipt_handle().unwrap_or_default();
        let body = message.body().unwrap_or_default();
        let content = if self.wanted.status {
            Content::of_lead(body)
        } else {
            Content::parse(body, self.now)
        };
        let message_id = message.message_id().unwrap_or_default().to_owned();
        let reason = attribute(message, "reason");
        let to = self.queue_of(&content);
        let is_wanted = self.wanted.message.as_ref() == Some(&message_id);
        let is_for_bus = self.network.is_none() && reason.as_deref().is_some_and(is_untaken);
        let done = match (self.corrected, self.wanted.dry_run) {
            _ if !self.wanted.discard.is_empty() => {
                let is_named = self.wanted.discard.contains(&message_id);
                if is_named && !self.wanted.dry_run { Done::Discarded } else { Done::Left }
            }
            (Some(corrected), _) if is_wanted => {
                corrected.fits(&content)?;
                Done::Corrected
            }
            (None, false)
                if (is_for_bus || (to.is_some() && !self.is_judged(reason.as_ref())))
                    && content.stays.is_none()
                    && !self.put_back.contains(body) =>
            {
                Done::Redriven
            }
            _ => Done::Left,
        };
        let why = self.why(message, &content, reason).await?;
        match done {
            Done::Redriven if is_for_bus => self.put_on_bus(body, handle).await?,
            Done::Redriven => self.put_back(body, handle, to.unwrap_or_default()).await?,
            Done::Corrected => self.correct(handle).await?,
            Done::Discarded => self.delete(handle).await?,
            Done::Left => {}
        }
        if done != Done::Left {
            self.hidden.retain(|hidden| hidden != handle);
        }
        let Content { order_id, number, faults, is_encrypted: encrypted, .. } = content;
        let order_id = order_id.or(number);
        self.letters.push(Letter { message_id, order_id, faults, encrypted, why, done });
        Ok(())
    }

    /// Returns whether intake has judged a letter of the bus: it would come back.
    const fn is_judged(&self, reason: Option<&String>) -> bool {
        self.network.is_none() && reason.is_some()
    }

    /// The URL of the queue that a letter goes back to: the event of a partner bus to that of its shop
    /// system. `None` if that is off.
    fn queue_of(&self, content: &Content) -> Option<&'a str> {
        match content.partner {
            None => self.to,
            Some(_) if self.network.is_some() => None,
            Some(platform) => {
                self.account.output(&format!("{}PartnerEventsUrl", platform.prefix)).ok()
            }
        }
    }

    async fn put_back(&mut self, body: &str, handle: &str, to: &str) -> Result<(), Failure> {
        let send = self.account.queues.send_message().queue_url(to);
        let put = send.message_body(body).send().await;
        put.map_err(|error| failed("SQS", "SendMessage", &error))?;
        self.put_back.insert(body.to_owned());
        self.delete(handle).await
    }

    /// Puts the corrected order on the bus, as any sender does.
    async fn correct(&self, handle: &str) -> Result<(), Failure> {
        let Some(corrected) = self.corrected else { return Ok(()) };
        let (order, detail_type) = (corrected.order.text.get(), corrected.detail_type());
        self.put_order(&detail_type, order, handle).await
    }

    /// Puts an order on the bus that the bus did not take from a shop system's function.
    async fn put_on_bus(&mut self, body: &str, handle: &str) -> Result<(), Failure> {
        let Some((detail_type, order)) = event(body) else { return Ok(()) };
        self.put_order(&detail_type, &order, handle).await?;
        self.put_back.insert(body.to_owned());
        Ok(())
    }

    async fn put_order(&self, detail_type: &str, order: &str, handle: &str) -> Result<(), Failure> {
        let bus =
            Bus::named(&self.account.place.config, self.account.output("BusName")?.to_owned());
        let put = bus.put("operator.redrive", detail_type, order.to_owned()).await;
        put.map_err(|_| Failure::Unreachable { service: "EventBridge", action: "PutEvents" })?;
        self.delete(handle).await
    }

    async fn delete(&self, handle: &str) -> Result<(), Failure> {
        let delete = self.account.queues.delete_message().queue_url(self.from);
        let deleted = delete.receipt_handle(handle).send().await;
        deleted.map(|_| ()).map_err(|error| failed("SQS", "DeleteMessage", &error))
    }

    async fn release(&mut self) {
        for handle in self.hidden.drain(..) {
            let change = self.account.queues.change_message_visibility().queue_url(self.from);
            // If this fails, others see the message when its time is over.
            let _later = change.receipt_handle(handle).visibility_timeout(0).send().await;
        }
    }
}
