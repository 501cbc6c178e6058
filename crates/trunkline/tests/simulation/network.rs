use tokio::time::Instant;
use trunkline::testing::{Ending, Step};
use trunkline::{ErrorKind, Sent};

use crate::scene::{Scene, ms};

#[tokio::test(start_paused = true)]
async fn a_frozen_server_keeps_what_it_was_asked_and_answers_when_it_goes_on() {
    let scene = Scene::new([vec![Step::echo().after(ms(50))]]).await;
    scene.network.freeze("a");
    let began = Instant::now();
    let thaw = async {
        tokio::time::sleep(ms(2_000)).await;
        assert_eq!(scene.went(), "", "it has read nothing");
        scene.network.restore("a");
    };
    let (answer, ()) = tokio::join!(scene.call(), thaw);
    assert_eq!(answer.unwrap(), 42);
    assert!((ms(2_050)..ms(2_060)).contains(&began.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn a_frozen_server_is_given_up_and_found_again() {
    let scene = Scene::new([vec![Step::echo()]]).await;
    scene.network.freeze("a");
    let began = Instant::now();
    let error = scene.call().await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::Maybe), "{error}");
    assert!((ms(3_950)..ms(4_050)).contains(&began.elapsed()), "{:?}", began.elapsed());
    tokio::time::sleep(ms(20_000)).await;
    let error = scene.call().await.unwrap_err();
    assert!(error.message().contains("accepts connections and answered no heartbeat"), "{error}");
    scene.network.restore("a");
    scene.client.ready().await;
    assert_eq!(scene.call().await.unwrap(), 42);
}

#[tokio::test(start_paused = true)]
async fn a_cut_drops_the_handlers_of_its_calls() {
    let scene = Scene::new([vec![Step::silence(), Step::echo()]]).await;
    let cut = async {
        tokio::time::sleep(ms(100)).await;
        scene.network.cut("a");
    };
    let (result, ()) = tokio::join!(scene.call(), cut);
    assert_eq!(result.unwrap_err().sent(), Sent::Maybe);
    tokio::time::sleep(ms(10)).await;
    assert_eq!(scene.ends(), [Ending::Dropped]);
    assert_eq!(scene.call().await.unwrap(), 42);
}
