//! The stylesheet: its address changes with its bytes, so that browsers keep it for good.

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;

/// Where it is, below `/admin`.
pub(crate) const STYLESHEET: &str = "/assets/panel.css";

const SHEET: &str = include_str!("../assets/panel.css");

/// What follows the address in a page: a number made of the bytes (FNV-1a).
pub(crate) const VERSION: u64 = fnv(SHEET.as_bytes());

/// `GET /admin/assets/panel.css`
pub(crate) async fn stylesheet() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .content_type("text/css; charset=utf-8")
        .body(SHEET)
}

const fn fnv(mut bytes: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    while let [first, rest @ ..] = bytes {
        hash = (hash ^ u64_of(*first)).wrapping_mul(0x0100_0000_01b3);
        bytes = rest;
    }
    hash
}

const fn u64_of(byte: u8) -> u64 {
    u64::from_be_bytes([0, 0, 0, 0, 0, 0, 0, byte])
}
