//! Belief against a registry that misbehaves: single rules first, then any sequence of events.

use proptest::prelude::*;

use super::*;

const GRACE: Duration = Duration::from_secs(30);

/// A belief, the time, and what was published last.
struct Story {
    belief: Belief,
    now: Instant,
}

impl Story {
    fn new() -> Self {
        Self { belief: Belief::new(GRACE), now: Instant::now() }
    }

    /// Lets time pass as the task around it does: at each deadline it is told.
    fn after(&mut self, seconds: f64) {
        let end = self.now + Duration::from_secs_f64(seconds);
        while let Some(at) = self.belief.deadline().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.belief.passed(self.now);
            assert!(self.belief.deadline().is_none_or(|next| next > self.now), "the deadline has no effect");
        }
        self.now = end;
    }

    fn lists(&mut self, ports: impl IntoIterator<Item = u16>) -> Vec<u16> {
        let instances = instances(ports);
        self.belief.listed(self.now, Listing { instances, deliberate: false });
        self.shown()
    }

    fn fails(&mut self) {
        self.belief.failed(self.now, "connection refused");
    }

    fn shown(&self) -> Vec<u16> {
        ports(&self.belief.shown)
    }

    fn is_stale(&self) -> bool {
        matches!(self.belief.shown.trust(), Trust::Stale { .. })
    }
}

fn instances(ports: impl IntoIterator<Item = u16>) -> Vec<Instance> {
    ports.into_iter().map(|port| format!("h:{port}").parse().unwrap()).collect()
}

fn ports(snapshot: &Snapshot) -> Vec<u16> {
    let mut ports: Vec<u16> = snapshot
        .instances()
        .iter()
        .map(|i| i.address().target().rsplit_once(':').unwrap().1.parse().unwrap())
        .collect();
    ports.sort_unstable();
    ports
}

#[test]
fn errors_take_nothing_away_and_show_after_a_second() {
    let mut story = Story::new();
    story.lists([1, 2]);
    story.fails();
    assert!(!story.is_stale(), "a stream that breaks for a moment is not worth a word");
    story.after(1.0);
    assert!(story.is_stale());
    story.after(10_000.0);
    assert_eq!(story.shown(), [1, 2]);
    story.lists([1, 2]);
    assert_eq!(*story.belief.shown.trust(), Trust::Fresh);
}

#[test]
fn a_registry_that_was_never_heard_says_why_at_once() {
    let mut story = Story::new();
    assert_eq!(*story.belief.shown.trust(), Trust::Waiting);
    story.fails();
    let Trust::Stale { why, .. } = story.belief.shown.trust() else { panic!("{:?}", story.belief.shown) };
    assert_eq!(&**why, "connection refused");
}

#[test]
fn an_empty_list_is_believed_after_the_grace_time() {
    let mut story = Story::new();
    assert!(story.lists([]).is_empty());
    assert_eq!(*story.belief.shown.trust(), Trust::Fresh, "there was nothing to lose");
    story.lists([1, 2]);
    assert_eq!(story.lists([]), [1, 2]);
    assert!(story.is_stale());
    story.after(29.9);
    assert_eq!(story.shown(), [1, 2]);
    story.after(0.1);
    assert!(story.shown().is_empty());
    assert_eq!(*story.belief.shown.trust(), Trust::Fresh);
}

#[test]
fn the_grace_time_stands_still_while_the_registry_is_away() {
    let mut story = Story::new();
    story.lists([1]);
    story.lists([]);
    story.after(29.0);
    story.fails();
    story.after(1.5);
    assert_eq!(story.shown(), [1]);
    story.lists([]);
    story.after(0.9);
    assert_eq!(story.shown(), [1]);
    story.after(0.2);
    assert!(story.shown().is_empty());
}

#[test]
fn most_of_it_at_once_is_not_believed_and_less_is() {
    let mut story = Story::new();
    story.lists(0..10);
    assert_eq!(story.lists(0..3), [0, 1, 2], "seven of ten is the limit");
    let mut story = Story::new();
    story.lists(0..10);
    assert_eq!(story.lists([0, 1, 77]), Vec::from_iter((0..10).chain([77])), "eight of ten is too much");
    story.after(30.0);
    assert_eq!(story.shown(), [0, 1, 77]);
    let mut story = Story::new();
    story.lists(0..3);
    assert_eq!(story.lists([0]), [0], "three are few");
}

#[test]
fn most_of_it_one_after_another_is_not_believed_either() {
    let mut story = Story::new();
    story.lists(0..10);
    for left in (0..10).rev() {
        story.lists(0..left);
        story.after(0.1);
    }
    assert_eq!(story.shown(), [0, 1, 2], "those before them were believed to have gone one by one");
    story.after(30.0);
    assert!(story.shown().is_empty());

    let mut story = Story::new();
    story.lists(0..10);
    for left in (1..10).rev() {
        story.lists(0..left);
        story.after(6.0);
        assert_eq!(story.shown(), Vec::from_iter(0..left), "slowly is another thing");
    }
}

#[test]
fn after_an_outage_no_loss_is_believed_at_once() {
    let mut story = Story::new();
    story.lists(0..10);
    story.fails();
    story.after(5.0);
    assert_eq!(story.lists(0..9), Vec::from_iter(0..10));
    story.after(15.0);
    assert_eq!(story.lists(0..8), Vec::from_iter(0..10), "it is still coming back");
    story.after(15.0);
    assert_eq!(story.shown(), Vec::from_iter(0..9));
    story.after(15.0);
    assert_eq!(story.shown(), Vec::from_iter(0..8));
    assert_eq!(story.lists(0..7), Vec::from_iter(0..7));
}

#[test]
fn what_comes_back_is_held_no_longer_and_keeps_its_news() {
    let mut story = Story::new();
    story.lists([1, 2]);
    story.lists([]);
    let back = Listing { instances: vec!["h:1?weight=5".parse().unwrap()], deliberate: false };
    story.belief.listed(story.now, back);
    assert_eq!(story.shown(), [1, 2]);
    assert_eq!(story.belief.shown.instances()[0].weight(), 5);
    story.after(30.0);
    assert_eq!(story.shown(), [1]);
}

#[test]
fn deliberate_removals_and_no_grace_are_believed_at_once() {
    let mut story = Story::new();
    story.lists([1, 2]);
    let change = story.belief.listed(story.now, Listing { instances: vec![], deliberate: true });
    assert!(change.emptied && story.shown().is_empty());

    let mut trusting = Belief::new(Duration::ZERO);
    let now = Instant::now();
    trusting.listed(now, Listing { instances: instances(0..10), deliberate: false });
    trusting.listed(now, Listing { instances: vec![], deliberate: false });
    assert!(trusting.shown.instances().is_empty());
}

#[test]
fn a_list_from_a_file_is_stale_and_gives_way_to_any_list_but_an_empty_one() {
    let mut story = Story::new();
    story.belief.remembered(story.now, instances(0..10));
    assert_eq!(story.shown(), Vec::from_iter(0..10));
    assert!(story.is_stale());
    story.after(1000.0);
    assert_eq!(story.lists([1]), [1]);

    let mut story = Story::new();
    story.belief.remembered(story.now, instances([1]));
    assert_eq!(story.lists([]), [1]);
    story.belief.remembered(story.now, instances([9]));
    assert_eq!(story.shown(), [1], "a file that comes late says nothing any more");
}

#[test]
fn figures_are_no_news_and_edits_are() {
    let mut story = Story::new();
    let list = |text: &str| Listing { instances: vec![text.parse().unwrap()], deliberate: false };
    assert!(story.belief.listed(story.now, list("h:1?weight=2")).snapshot.is_some());
    assert!(
        story.belief.listed(story.now, list("h:1?calls=1.00&connections=2.00&weight=2")).snapshot.is_none()
    );
    assert!(story.belief.listed(story.now, list("h:1?state=inactive&weight=2")).snapshot.is_some());
}

/// What may happen, in any order.
#[derive(Clone, Debug)]
enum Event {
    /// The source lists these, which may be stale, empty, out of order or the same again.
    Lists(Vec<u16>),
    Fails,
    Passes(f64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let list = prop_oneof![
        Just(Vec::new()),
        prop::collection::vec(0u16..12, 0..12),
        (0u16..12).prop_map(|n| (0..n).collect()),
    ];
    let event = prop_oneof![
        4 => list.prop_map(Event::Lists),
        1 => Just(Event::Fails),
        2 => (0.0..40.0f64).prop_map(Event::Passes),
        1 => Just(Event::Passes(0.1)),
    ];
    prop::collection::vec(event, 0..40)
}

proptest! {
    /// Whatever happened before, a healthy source's list is the list after the grace time, and it
    /// never takes longer. Until then nothing that the source lists is missing.
    #[test]
    fn in_the_end_the_source_is_right(events in events(), last in prop::collection::vec(0u16..12, 0..12)) {
        let mut story = Story::new();
        for event in events {
            match event {
                Event::Lists(ports) => {
                    let shown = story.lists(ports.clone());
                    prop_assert!(ports.iter().all(|port| shown.contains(port)));
                }
                Event::Fails => story.fails(),
                Event::Passes(seconds) => story.after(seconds),
            }
        }
        story.lists(last.clone());
        story.after(GRACE.as_secs_f64());
        let mut right = last;
        right.sort_unstable();
        right.dedup();
        prop_assert_eq!(story.shown(), right);
        prop_assert_eq!(story.belief.shown.trust(), &Trust::Fresh);
        prop_assert!(story.belief.deadline().is_none());
    }

    /// A list that was not empty is not empty before the source has said so for the grace time,
    /// and silence of the source does not count.
    #[test]
    fn it_is_not_empty_before_its_time(events in events()) {
        let mut story = Story::new();
        let mut had_some = false;
        // For how long the source, when heard, has listed nothing.
        let mut nothing_for = 0.0;
        let mut says_nothing = false;
        let mut heard = false;
        for event in events {
            match event {
                Event::Lists(ports) => {
                    says_nothing = ports.is_empty();
                    heard = true;
                    if !says_nothing {
                        had_some = true;
                        nothing_for = 0.0;
                    }
                    story.lists(ports);
                }
                Event::Fails => {
                    heard = false;
                    story.fails();
                }
                Event::Passes(seconds) => {
                    if says_nothing && heard {
                        nothing_for += seconds;
                    }
                    story.after(seconds);
                }
            }
            if had_some && nothing_for < GRACE.as_secs_f64() - 0.001 {
                prop_assert!(!story.shown().is_empty());
            }
        }
    }
}
