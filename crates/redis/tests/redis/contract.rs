//! The contracts, on the server of `TEST_REDIS_URL`.

use crate::connected;
use crate::place::Place;
use doorward_services::ports::{ChangeBus, SharedPorts};
use doorward_services::testing::until;
use std::sync::Arc;

async fn node() -> (Place, SharedPorts) {
    let place = Place::new();
    let ports = connected(&place.config()).await;
    (place, ports)
}

/// Two nodes whose subscriptions stand.
pub(crate) async fn two_buses() -> (Place, [Arc<dyn ChangeBus>; 2]) {
    let place = Place::new();
    let (a, b) = (
        connected(&place.config()).await,
        connected(&place.config()).await,
    );
    let mut admin = place.admin();
    until("both have subscribed", async || {
        place.subscribers(&mut admin) == 2
    })
    .await;
    (place, [a.change_bus, b.change_bus])
}

mod cache {
    doorward_services::cache_contract!(async || {
        let (place, ports) = super::node().await;
        (place, ports.cache)
    });
}

mod change_bus {
    doorward_services::change_bus_contract!(super::two_buses);
}

mod rate_limiter {
    doorward_services::rate_limiter_contract!(async || {
        let (place, ports) = super::node().await;
        (place, ports.rate_limiter)
    });
}

mod denylist {
    doorward_services::denylist_contract!(async || {
        let (place, ports) = super::node().await;
        (place, ports.denylist)
    });
}
