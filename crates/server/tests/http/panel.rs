//! The admin panel over the socket.

mod accounts;
mod forms;
mod frame;
mod permissions;
mod sessions;
