#![doc = include_str!("../README.md")]

mod answer;
mod assets;
mod chart;
mod cookie;
mod desk;
mod failure;
mod fields;
mod pages;
mod same_origin;
mod shell;
mod site;
mod stranger;
mod words;

pub use site::{AdminConfig, configure, routes};
