//! Any order: with its unknown members refused as at the API, and passed over as from the bus. Never
//! refused for a member that no network needs.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use postback_core::{
    fields::{Fault, UnknownFields},
    order::{self, FAULTS, Order, Unreadable},
};
use postback_fuzz::{
    canary::{MARK, is_a_name, mark},
    mutate, seeds,
};
use serde_json::Value;

fuzz_target!(init: seeds::from_orders(seed), |data: &[u8]| {
    let Some((&which, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let read = order::parse(text);
    // What a reader of JSON takes, an order's takes as the same, but for a member given twice and
    // characters that no queue takes.
    if let Ok(value) = serde_json::from_str::<Value>(text)
        && !value.to_string().contains(['\u{fffe}', '\u{ffff}'])
    {
        assert!(read.as_ref().map_or_else(|error| matches!(error, Unreadable::Doubled(_)), |read| *read == value));
    }
    let Ok(mut value) = read else { return };

    let strict = Order::from_json(&value, UnknownFields::Deny);
    let lenient = Order::from_json(&value, UnknownFields::Ignore);
    match (&strict, &lenient) {
        (Ok(strict), Ok(lenient)) => assert_eq!(written(strict), written(lenient)),
        (Ok(_), Err(_)) => panic!("what the API takes, the bus refuses"),
        (Err(_), Ok(lenient)) => comes_back(lenient),
        (Err(strict), Err(lenient)) => {
            assert!(lenient.iter().all(|fault| strict.contains(fault)));
        }
    }
    match &strict {
        Ok(order) => comes_back(order),
        Err(faults) => assert!(faults.iter().all(|fault| matters(fault, &value)), "{faults:?}"),
    }
    // On the bus not even for a member that an order does not have.
    let named = lenient.as_ref().err().into_iter().flatten().find(|it| it.code == "unknown_member");
    assert!(named.is_none(), "{named:?}");

    mark(&mut value, which);
    if !is_a_name(&value) {
        for unknown in [UnknownFields::Deny, UnknownFields::Ignore] {
            let faults = Order::from_json(&value, unknown).err();
            faults.into_iter().flatten().for_each(|fault| quotes_nothing(&fault));
        }
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed, 1)
});

/// The bus carries what is written; a function that can't read it again has lost the order.
fn comes_back(order: &Order) {
    let text = written(order);
    let value: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let again = Order::from_json(&value, UnknownFields::Deny);
    let again = again.unwrap_or_else(|faults| panic!("{faults:?}: {text}"));
    assert_eq!(written(&again), text);
}

/// No member that only some network needs refuses an order. An unknown one is named where an order's
/// own members stand, not among those that a network or the shop names.
fn matters(fault: &Fault, order: &Value) -> bool {
    const STRICT: [&str; 7] =
        ["order_id", "status", "updated_at", "completed_at", "currency", "total", "refunds"];
    let place: Vec<_> = fault.pointer.split('/').skip(1).collect();
    match &place[..] {
        [] => fault.code == "wrong_type" && !order.is_object(),
        [_] | ["customer" | "items" | "utm", ..] if fault.code == "unknown_member" => true,
        [member, ..] => STRICT.contains(member),
    }
}

fn written(order: &Order) -> String {
    serde_json::to_string(order).unwrap_or_else(|error| panic!("{error}"))
}

fn quotes_nothing(fault: &Fault) {
    assert!(!fault.to_string().contains(MARK), "{fault:?}");
    assert!(FAULTS.contains(&fault.code) && !fault.detail.is_empty(), "{fault:?}");
    assert!(fault.pointer.is_empty() || fault.pointer.starts_with('/'), "{fault:?}");
}

fn seed(order: &str) -> Vec<u8> {
    [b"\x24", order.as_bytes()].concat()
}
