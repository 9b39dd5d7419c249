//! `loopwright train`: one file for each thing that can be trained.

mod adapt;
mod boost;
#[cfg(feature = "onnx")]
mod contact;
mod listen;
mod mlp;
mod rank;
mod run;
#[cfg(feature = "onnx")]
mod tags;

#[cfg(feature = "onnx")]
pub(super) use tags::inputs;

use anyhow::Result;

use crate::args::{General, Train, What};
use crate::exit::Exit;

pub(super) fn run(args: &Train, general: &General) -> Result<Exit> {
    match &args.what {
        What::Mlp(args) => mlp::run(args, general),
        What::Rank(args) => rank::run(args, general),
        What::Boost(args) => boost::run(args, general),
        What::Adapt(args) => adapt::run(args, general),
        #[cfg(feature = "onnx")]
        What::Tags(args) => tags::run(args, general),
        #[cfg(feature = "onnx")]
        What::Contact(args) => contact::run(args, general),
    }
}
