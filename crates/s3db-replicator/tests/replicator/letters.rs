//! Documents that a target does not take.

use std::time::Duration;

use s3db_core::Event;
use serde_json::json;

use crate::support::{System, World, pass, to, users};

#[tokio::test(start_paused = true)]
async fn a_poison_is_put_aside_after_three_tries_and_taken_once_the_target_is_mended() {
    let (world, system) = (World::new(), System::default());
    let process = world.process(to(&system)).await;
    let rows = users(&process.db).await;
    system.refuse(&["poison"]);
    rows.insert(json!({"id": "poison", "name": "P"})).await.unwrap();
    for n in 0..5 {
        rows.insert(json!({"id": format!("u{n}"), "name": "N"})).await.unwrap();
    }
    pass(10).await;
    process.replicator.flush().await.unwrap();
    assert_eq!(system.len(), 5, "those behind it arrive");
    let stats = process.replicator.stats();
    assert_eq!(
        (stats.targets[0].dead_letters, stats.targets[0].retries, stats.targets[0].lag_changes),
        (1, 2, 0)
    );
    let letters = process.replicator.dead_letters(None).await.unwrap();
    let letter = &letters[0];
    assert_eq!(
        (letters.len(), letter.resource.as_str(), letter.id.as_str(), letter.target.as_str()),
        (1, "users", "poison", "system")
    );
    assert!(letter.error.contains("a column is too short"), "{letter:?}");
    assert!(world.outbox().await.is_empty());
    // As s3db.js has them, with the id that it lacks.
    let row = process.db.resource("plg_replicator_logs").unwrap().get(&letter.letter_id).await.unwrap();
    assert_eq!(
        (&row.data["status"], &row.data["recordId"], &row.data["data"]["name"]),
        (&json!("failed"), &json!("poison"), &json!("P"))
    );
    // It stays while the target does not take it.
    assert_eq!(process.replicator.retry_dead_letters(None).await.unwrap(), 0);
    rows.update("poison", json!({"name": "cured"})).await.unwrap();
    system.refuse(&[]);
    assert_eq!(process.replicator.retry_dead_letters(Some("system")).await.unwrap(), 1);
    assert_eq!(system.document("poison").unwrap()["name"], "cured");
    assert!(process.replicator.dead_letters(None).await.unwrap().is_empty());
    assert_eq!(process.replicator.retry_dead_letters(None).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_document_that_cannot_be_read_is_put_aside_too() {
    use s3db_core::store::{Condition, PutObject, Store};
    let (world, system) = (World::new(), System::default());
    let process = world.process(to(&system)).await;
    let rows = users(&process.db).await;
    system.is(crate::support::Mood::Down);
    rows.insert(json!({"id": "a", "name": "A"})).await.unwrap();
    // Somebody breaks it in the bucket.
    let broken = PutObject { body: "{".into(), ..PutObject::default() };
    world.bucket.put("resource=users/data/id=a", broken, Condition::None).await.unwrap();
    system.is(crate::support::Mood::Fine);
    pass(60).await;
    process.replicator.flush().await.unwrap();
    assert_eq!(process.replicator.stats().targets[0].dead_letters + system.len() as u64, 1);
}

#[tokio::test(start_paused = true)]
async fn who_listens_hears_of_each_letter() {
    let (world, system) = (World::new(), System::default());
    let process =
        world.process(to(&system).retries(1, Duration::from_millis(1), Duration::from_millis(1))).await;
    let rows = users(&process.db).await;
    let mut events = process.db.events();
    system.refuse(&["poison"]);
    rows.insert(json!({"id": "poison", "name": "P"})).await.unwrap();
    process.replicator.flush().await.unwrap();
    let told = loop {
        let event = events.next().await.unwrap();
        if let Event::Plugin { plugin, news } = &event
            && format!("{news:?}").contains("dead_letter")
        {
            break format!("{plugin} {news:?}");
        }
    };
    for part in ["replicator", "system", "users", "poison", "a column is too short"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let error = process.replicator.dead_letters(Some("nobody")).await.unwrap();
    assert!(error.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_is_refused_is_put_aside_too() {
    let (world, system) = (World::new(), System::default());
    let process = world.process(to(&system)).await;
    let rows = users(&process.db).await;
    rows.insert(json!({"id": "a", "name": "A"})).await.unwrap();
    process.replicator.flush().await.unwrap();
    system.refuse(&["a"]);
    rows.delete("a").await.unwrap();
    pass(10).await;
    process.replicator.flush().await.unwrap();
    let letters = process.replicator.dead_letters(None).await.unwrap();
    assert_eq!(letters.len(), 1);
    // And stays so when it is refused again.
    assert_eq!(process.replicator.retry_dead_letters(None).await.unwrap(), 0);
}
