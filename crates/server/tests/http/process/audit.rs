//! `doorward audit`: what was done to the log behind the server's back is named.

use super::{Place, login};
use crate::support::{PATIENCE, count, until};
use doorward_storage_diesel::testing::TestDatabase;

fn unsealed(database: &TestDatabase) -> i64 {
    count(database, "audit_events WHERE sequence IS NULL")
}

#[tokio::test]
async fn a_changed_event_is_named_and_the_rest_is_as_it_was_sealed() {
    let place = Place::of_this_run();
    place
        .run(&["audit", "verify"])
        .fails(&["no tables of Doorward"]);
    let server = place.serve();
    let client = server.client();
    client.register("ada").await.expect(201);
    login(&client, "ada").await;
    client.login("ada", "wrong").await.expect(401);
    let database = place.database.as_ref().unwrap();
    until("the server seals", PATIENCE, async || {
        unsealed(database) == 0
    })
    .await;
    let told = place.run(&["audit", "verify"]).succeeds();
    assert!(
        told.starts_with(
            "3 sealed events are as they were sealed.\nThe chain ends with number 3, "
        ),
        "{told}"
    );
    database.execute("UPDATE audit_events SET details = '{}' WHERE sequence = 3");
    place
        .run(&["audit", "verify"])
        .fails(&["event ", "number 3", "changed or moved"]);
    database.execute("DELETE FROM audit_events WHERE sequence = 1");
    place
        .run(&["audit", "verify"])
        .fails(&["number 1 is missing"]);
    place.run(&["audit", "restart"]).succeeds();
    until("the server seals", PATIENCE, async || {
        unsealed(database) == 0
    })
    .await;
    let told = place.run(&["audit", "verify"]).succeeds();
    assert!(told.starts_with("1 sealed events"), "{told}");
}

/// Commands come from nowhere, and nobody is logged in who gives them.
#[tokio::test]
async fn commands_leave_their_events() {
    let place = Place::embedded().with("DOORWARD_SUPERUSER_PASSWORD", super::PASSWORD);
    place
        .run(&[
            "createsuperuser",
            "--username",
            "olga",
            "--email",
            "olga@example.com",
        ])
        .succeeds();
    place.run(&["restored"]).succeeds();
    let place = place.with("JWT_ALGORITHM", "EdDSA");
    place.run(&["keys", "prepare"]).succeeds();
    let server = place.serve();
    let olga = login(&server.client(), "olga").await;
    let events = olga.get("/api/v1/audit").await.expect(200).items();
    let commands: Vec<_> = events
        .iter()
        .filter(|event| event["request_id"].is_null())
        .inspect(|event| assert!(event["actor_id"].is_null() && event["ip_address"].is_null()))
        .map(|event| event["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        commands,
        [
            "signing_key.prepared",
            "database.restored",
            "user.superuser_created"
        ]
    );
    assert_eq!(events.last().unwrap()["subject_id"], olga.id);
}
