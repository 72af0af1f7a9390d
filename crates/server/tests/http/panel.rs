//! The admin panel over the socket.

mod accounts;
mod audit;
mod forms;
mod frame;
mod permissions;
mod sessions;
mod settings;
