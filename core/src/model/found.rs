//! What a file is that holds no model, and what to do about it.

/// What is told of a file: what it holds, and advice.
pub(super) type Found = (String, String);

const PYTHON: &str = "such files can run code when they are loaded, so nothing in it was read or run: ";
const TORCH: &str = "convert it by `python -m loopwright.convert FILE` (of the Python wheel), or save the network by \
                     torch.onnx.export(…, dynamo=False) as .onnx, with features.json beside it";
const XGBOOST: &str = "convert it by `python -m loopwright.convert FILE` (of the Python wheel), or save a booster by \
                       save_model(\"model.json\"), a PyTorch network by torch.onnx.export";

/// By what it begins with.
pub(super) fn found(bytes: &[u8]) -> Found {
    let told = |found: &str, advice: &str| (found.to_owned(), advice.to_owned());
    let begins = |magic: &[u8]| bytes.starts_with(magic);
    let python = |found: &str, how: &str| (found.to_owned(), format!("{PYTHON}{how}"));
    let text = text_head(bytes);
    let says = |word: &str| text.as_deref().is_some_and(|t| t.starts_with(word));
    if bytes.is_empty() {
        told("nothing", "the file is empty")
    } else if begins(b"PK\x03\x04") {
        let torch = contains(&bytes[..bytes.len().min(4096)], b"data.pkl");
        if torch {
            python("a PyTorch checkpoint (a ZIP of pickled objects)", TORCH)
        } else {
            told(
                "a ZIP archive",
                "unpack it; models are read as ONNX or as XGBoost's .json or .ubj",
            )
        }
    } else if matches!(bytes, [0x80, 2..=5, ..]) {
        python(
            "pickled Python objects (pickle, joblib or an old PyTorch file)",
            XGBOOST,
        )
    } else if begins(b"\x1f\x8b") || matches!(bytes, [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..]) {
        python("compressed data (joblib writes such)", XGBOOST)
    } else if begins(b"\x89HDF") {
        told("HDF5 (Keras writes such)", "convert it to ONNX by tf2onnx")
    } else if begins(b"binf") || begins(b"bs64") || looks_like_old_xgboost(bytes) {
        told(
            "XGBoost's old binary format",
            "load it with an XGBoost before 3.1 and save it by save_model(\"model.json\")",
        )
    } else if begins(b"CBM1") {
        told("a CatBoost model", "train it as XGBoost or by `loopwright train boost`")
    } else if says("tree\nversion=") || says("tree\r\nversion=") {
        told("a LightGBM model", "train it as XGBoost or by `loopwright train boost`")
    } else if says("booster[") {
        told(
            "a dump of XGBoost's trees for people to read",
            "save the model by save_model(\"model.json\")",
        )
    } else if says("version https://git-lfs") {
        told("a pointer of Git LFS", "fetch the file itself by `git lfs pull`")
    } else if says("<!doctype") || says("<html") || says("<?xml") || says("<") {
        told(
            "a web page or XML",
            "the download gave a page instead of the file: fetch it again",
        )
    } else if says("{") || says("[") {
        told(
            "JSON, but no XGBoost model",
            "it must have a `learner`, as XGBoost's save_model writes it",
        )
    } else if bytes.len() < 16 {
        let advice = "too short for a model: was it cut off?";
        (format!("{} bytes", bytes.len()), advice.to_owned())
    } else if text.is_some() {
        told("text", "models are read as ONNX or as XGBoost's .json or .ubj")
    } else {
        told(
            "something unknown or damaged",
            "models are read as ONNX or as XGBoost's .json or .ubj; if it is one of those, it was damaged on the way",
        )
    }
}

/// The beginning as text in small letters, if it is text.
fn text_head(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head = &bytes[..bytes.len().min(256)];
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A character may be cut at the end of the head.
        Err(e) if e.error_len().is_none() => std::str::from_utf8(&head[..e.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    let odd = |c: char| c.is_control() && !c.is_whitespace();
    (!text.is_empty() && !text.contains(odd)).then(|| text.trim_start().to_ascii_lowercase())
}

/// Before 1.0 files began with the parameters of the learner: a base score, the number of features, a small number of
/// classes and thirty-odd words that were mostly zero.
fn looks_like_old_xgboost(bytes: &[u8]) -> bool {
    let Some(head) = bytes.get(..136) else { return false };
    let word = |i: usize| u32::from_le_bytes([head[4 * i], head[4 * i + 1], head[4 * i + 2], head[4 * i + 3]]);
    let base = f32::from_bits(word(0));
    base.abs() < 1e6
        && (base == 0.0 || base.abs() > 1e-6)
        && (1..1 << 20).contains(&word(1))
        && (10..34).all(|i| word(i) == 0)
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|w| w == what)
}
