//! The bytes of a report, and the rows in them.

use std::{
    env,
    fs::{self, File},
    hash::{BuildHasher, Hasher, RandomState},
    io::{BufReader, BufWriter, Cursor, Read, Seek},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use encoding_rs::{Encoding, UTF_8, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;
use sha2::{Digest, Sha256};

use crate::{fault::Fault, hex, json, sheet};

/// A report: a file, or bytes that were uploaded. It is read several times.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Bytes in memory.
    Bytes(Arc<[u8]>),
}

trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Csv,
    Xlsx,
    Json,
}

/// A report with the way in which its rows are found.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    pub(crate) source: Source,
    pub(crate) kind: Kind,
    pub(crate) encoding: &'static Encoding,
    pub(crate) delimiter: u8,
    pub(crate) sheet: Option<String>,
    /// The rows of the sheet, once they are copied.
    pub(crate) copy: Option<Arc<Mutex<File>>>,
}

/// Takes a row with its line; false ends the reading.
pub(crate) type Each<'a> = &'a mut dyn FnMut(u64, &csv::StringRecord) -> Result<bool, Fault>;

/// The bytes that are looked at to find the kind of a file.
const HEAD: usize = 4_096;

impl Source {
    fn open(&self) -> Result<Box<dyn ReadSeek + '_>, Fault> {
        Ok(match self {
            Self::File(path) => Box::new(BufReader::with_capacity(1 << 16, File::open(path)?)),
            Self::Bytes(bytes) => Box::new(Cursor::new(&bytes[..])),
        })
    }

    /// The SHA-256 of its bytes, as hexadecimal digits.
    pub fn digest(&self) -> Result<String, Fault> {
        let mut digest = Sha256::new();
        self.chunks(|chunk| digest.update(chunk))?;
        Ok(hex(&digest.finalize()))
    }

    fn chunks(&self, mut each: impl FnMut(&[u8])) -> Result<(), Fault> {
        let mut file = self.open()?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(()),
                read => each(&buffer[..read]),
            }
        }
    }

    fn head(&self) -> Result<Vec<u8>, Fault> {
        let mut head = Vec::new();
        self.open()?.take(HEAD as u64).read_to_end(&mut head)?;
        Ok(head)
    }

    /// The kind of the file, by its first bytes.
    pub(crate) fn kind(&self) -> Result<Kind, Fault> {
        let head = self.head()?;
        if head.starts_with(b"PK\x03\x04") {
            return Ok(Kind::Xlsx);
        }
        if head.starts_with(b"\xd0\xcf\x11\xe0") {
            let fault = "it is an old workbook, or has a password: save it as XLSX or CSV without";
            return Err(Fault::Unreadable(fault.to_owned()));
        }
        if head.is_empty() {
            return Err(Fault::Unreadable("it is empty".to_owned()));
        }
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
        match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{' | b'[') => Ok(Kind::Json),
            Some(b'<') => Err(Fault::Unreadable("it is a web page: export it as CSV".to_owned())),
            _ => Ok(Kind::Csv),
        }
    }

    /// The encoding of a text: its byte-order mark, the one that was given, UTF-8 if it is, else the
    /// format's.
    pub(crate) fn encoding(
        &self,
        given: Option<&str>,
        of_format: Option<&str>,
    ) -> Result<&'static Encoding, Fault> {
        let head = self.head()?;
        if let Some((encoding, _)) = Encoding::for_bom(&head) {
            return Ok(encoding);
        }
        let named = |label: &str| {
            let encoding = Encoding::for_label(label.as_bytes());
            encoding.ok_or_else(|| Fault::WrongEncoding(label.to_owned()))
        };
        if let Some(label) = given {
            let encoding = named(label)?;
            return if encoding == UTF_8 && !self.is_utf_8()? {
                Err(Fault::WrongEncoding(label.to_owned()))
            } else {
                Ok(encoding)
            };
        }
        // Latin text in UTF-16 is half zeros.
        let zeros = head.iter().skip(1).step_by(2).filter(|byte| **byte == 0).count();
        if zeros > head.len() / 4 {
            return Ok(UTF_16LE);
        }
        if self.is_utf_8()? {
            return Ok(UTF_8);
        }
        of_format.map_or(Err(Fault::UnknownEncoding), named)
    }

    fn is_utf_8(&self) -> Result<bool, Fault> {
        let mut carry: Vec<u8> = Vec::new();
        let mut valid = true;
        self.chunks(|chunk| {
            if !valid {
                return;
            }
            carry.extend_from_slice(chunk);
            match std::str::from_utf8(&carry) {
                Ok(_) => carry.clear(),
                Err(error) => {
                    valid = error.error_len().is_none();
                    carry.drain(..error.valid_up_to());
                }
            }
        })?;
        Ok(valid && carry.is_empty())
    }
}

impl Rows {
    /// Reads the rows, the header and what stands before it included.
    pub(crate) fn each(&self, each: Each<'_>) -> Result<(), Fault> {
        if let Some(copy) = &self.copy {
            return copied(&copy.lock().unwrap_or_else(PoisonError::into_inner), each);
        }
        match self.kind {
            Kind::Csv => self.csv(each),
            Kind::Xlsx => {
                let sheet = self.sheet.as_deref().unwrap_or_default();
                sheet::each(self.source.open()?, sheet, each)
            }
            Kind::Json => json::each(self.source.open()?, each),
        }
    }

    fn csv(&self, each: Each<'_>) -> Result<(), Fault> {
        let decoded = DecodeReaderBytesBuilder::new()
            .encoding(Some(self.encoding))
            .strip_bom(true)
            .build(self.source.open()?);
        let mut builder = csv::ReaderBuilder::new();
        builder.delimiter(self.delimiter).has_headers(false).flexible(true);
        let mut reader = builder.buffer_capacity(1 << 16).from_reader(decoded);
        let ends_with_return = self.source.head()?.windows(2).any(|pair| pair[0] == b'\r');
        let mut row = csv::StringRecord::new();
        while reader.read_record(&mut row)? {
            // The reader's own position is before the empty lines that it skips, and a line feed after
            // a carriage return is still to come.
            let within: usize = row.iter().map(|cell| cell.matches('\n').count()).sum();
            let behind = u64::try_from(within).unwrap_or(0) + u64::from(!ends_with_return);
            let start = row.position().map_or(0, csv::Position::line);
            let line = reader.position().line().saturating_sub(behind).max(start);
            if !each(line, &row)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Copies the rows of a workbook's sheet to a file without a name, which is gone when it is closed. A
    /// workbook that is read has all of its texts in memory, and each reading takes it apart anew.
    pub(crate) fn copy(&mut self) -> Result<(), Fault> {
        if self.kind != Kind::Xlsx {
            return Ok(());
        }
        let failed = |error: std::io::Error| {
            Fault::Unwritable(format!("a temporary file, {}", error.kind()))
        };
        let file = unnamed().map_err(failed)?;
        let mut rows = csv::WriterBuilder::new().flexible(true).from_writer(BufWriter::new(&file));
        self.each(&mut |line, row| {
            let line = line.to_string();
            let written = rows.write_record(row.iter().chain([line.as_str()]));
            written.map_err(|error| failed(error.into()))?;
            Ok(true)
        })?;
        rows.flush().map_err(failed)?;
        drop(rows);
        self.copy = Some(Arc::new(Mutex::new(file)));
        Ok(())
    }

    /// The sheets of a workbook.
    pub(crate) fn sheets(&self) -> Result<Vec<String>, Fault> {
        sheet::names(self.source.open()?)
    }
}

/// A file that nobody else can open.
fn unnamed() -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let random = RandomState::new().build_hasher().finish();
    let path = env::temp_dir().join(format!("postback-{random:016x}"));
    let file = options.open(&path)?;
    fs::remove_file(path)?;
    Ok(file)
}

/// Reads the rows of a copy: the number of each stands behind its cells.
fn copied(mut file: &File, each: Each<'_>) -> Result<(), Fault> {
    file.rewind()?;
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).buffer_capacity(1 << 16);
    let (mut reader, mut row) = (builder.from_reader(file), csv::StringRecord::new());
    while reader.read_record(&mut row)? {
        let cells = row.len().saturating_sub(1);
        let line = row.get(cells).and_then(|line| line.parse().ok()).unwrap_or_default();
        row.truncate(cells);
        if !each(line, &row)? {
            return Ok(());
        }
    }
    Ok(())
}
