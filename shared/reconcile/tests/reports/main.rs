//! Reports against ledgers, in one program: each program links all of it anew.

mod buckets;
mod claims;
mod common;
mod conservation;
mod damaged;
mod decisions;
mod find;
mod lines;
mod month;
mod proof;
mod spreadsheets;
mod validated;
mod workbook;
