//! Plugins and configuration change while events flow.

mod broken;
mod quarantine;
mod receivers;
mod removed;
mod scene;
mod swaps;
mod together;
