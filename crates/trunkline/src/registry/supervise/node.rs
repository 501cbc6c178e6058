//! What should stand in the registry for one instance, against what was read there. No clock, no
//! I/O.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::registry::{Attributes, Expect, Held, Instance};

/// How many sessions are remembered, of ours and of others.
const REMEMBERED: usize = 16;

/// One entry as it should be.
#[derive(Debug)]
pub(crate) struct Node {
    /// What the process registered.
    own: Instance,
    /// What was read or written last; none before the first. It is what is put back: operators'
    /// edits are in it.
    value: Option<Attributes>,
    /// Sessions of others that held the entry.
    others: VecDeque<Arc<str>>,
    is_contested: bool,
}

/// The sessions of this process: the one that is open, and those before it, whose entries may
/// still stand.
#[derive(Debug, Default)]
pub(crate) struct Mine(VecDeque<Arc<str>>);

/// What to do about an entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// It stands as it should.
    Leave,
    /// It has to be written.
    Put(Instance, Expect),
}

/// What was noticed, for the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum News {
    /// Somebody edited the entry; the edit counts from now on.
    Edited,
    /// It was there and is gone, although the session is not.
    Vanished,
    /// Another process registers the same address. Said once.
    Contested,
}

impl Node {
    pub(crate) fn new(own: Instance) -> Self {
        Self { own, value: None, others: VecDeque::new(), is_contested: false }
    }

    pub(crate) fn instance(&self) -> &Instance {
        &self.own
    }

    /// What to do, given what the registry holds.
    pub(crate) fn decide(&mut self, held: Option<&Held>, mine: &Mine) -> (Action, Option<News>) {
        let Some(held) = held else {
            let news = self.value.is_some().then_some(News::Vanished);
            let wanted = self.value.clone().unwrap_or_else(|| self.own.attributes().clone());
            return (Action::Put(self.with(wanted), Expect::Absent), news);
        };
        let expected = Expect::Version(held.version.clone());
        let is_ours = held.owner.as_deref().is_some_and(|owner| mine.is_current(owner));
        let Some(value) = &self.value else {
            return self.decide_first(held, expected, is_ours);
        };

        let is_edited = value.text() != held.attributes.text();
        if is_edited {
            self.value = Some(held.attributes.clone());
        }
        let edited = is_edited.then_some(News::Edited);
        if is_ours {
            return (Action::Leave, edited);
        }
        let wanted = self.with(held.attributes.clone());
        match &held.owner {
            // Somebody else's, which is a console that writes under a session of its own, or a
            // process that registers the same address. A console changes something and does it
            // once. Taking the entry back from a process again and again would be a quarrel that
            // wakes all clients, so it is left to that process while it lives.
            Some(owner) if !mine.has(owner) => {
                let is_known = self.others.contains(owner);
                self.remember(owner);
                if is_edited && !is_known {
                    return (Action::Put(wanted, expected), edited);
                }
                let first = !std::mem::replace(&mut self.is_contested, true);
                (Action::Leave, first.then_some(News::Contested))
            }
            _ => (Action::Put(wanted, expected), edited),
        }
    }

    /// An entry that stands there when the process begins is that of an earlier run, or of another
    /// process: the last one to come has it. Its attributes give way to the process's own, but its
    /// state is an operator's word, which a restart does not undo.
    fn decide_first(&mut self, held: &Held, expected: Expect, is_ours: bool) -> (Action, Option<News>) {
        let mut wanted = self.own.attributes().clone();
        if let Some(state) = held.attributes.get("state")
            && wanted.get("state") != Some(state)
        {
            wanted.set("state", state);
        }
        if let Some(owner) = held.owner.as_ref().filter(|_| !is_ours) {
            self.remember(owner);
        }
        if is_ours && wanted.text() == held.attributes.text() {
            self.value = Some(wanted);
            return (Action::Leave, None);
        }
        (Action::Put(self.with(wanted), expected), None)
    }

    /// An entry was written.
    pub(crate) fn written(&mut self, attributes: Attributes) {
        self.value = Some(attributes);
    }

    /// Whether an entry that is held so may be deleted when the instance goes: it is not another
    /// process's.
    pub(crate) fn may_delete(held: &Held, mine: &Mine) -> bool {
        held.owner.as_deref().is_none_or(|owner| mine.has(owner))
    }

    fn with(&self, attributes: Attributes) -> Instance {
        Instance::new(self.own.address().clone(), attributes)
    }

    fn remember(&mut self, owner: &Arc<str>) {
        if !self.others.contains(owner) {
            if self.others.len() == REMEMBERED {
                self.others.pop_front();
            }
            self.others.push_back(owner.clone());
        }
    }
}

impl Mine {
    /// A session was opened.
    pub(crate) fn opened(&mut self, id: &str) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(id.into());
    }

    fn is_current(&self, id: &str) -> bool {
        self.0.back().is_some_and(|current| **current == *id)
    }

    fn has(&self, id: &str) -> bool {
        self.0.iter().any(|mine| **mine == *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(attributes: &str, owner: Option<&str>) -> Held {
        Held { attributes: Attributes::parse(attributes), owner: owner.map(Into::into), version: 7.into() }
    }

    fn put(attributes: &str) -> Action {
        Action::Put(format!("h:1?{attributes}").parse().unwrap(), Expect::Version(7.into()))
    }

    fn mine(ids: &[&str]) -> Mine {
        let mut mine = Mine::default();
        ids.iter().for_each(|id| mine.opened(id));
        mine
    }

    /// A node that has been written once.
    fn standing(attributes: &str) -> Node {
        let mut node = Node::new(format!("h:1?{attributes}").parse().unwrap());
        node.written(Attributes::parse(attributes));
        node
    }

    #[test]
    fn the_first_registration_keeps_nothing_but_the_state() {
        for (found, owner, written) in [
            ("weight=9&zone=x", Some("old"), "weight=3&group=a"),
            ("weight=9&state=inactive", Some("old"), "group=a&state=inactive&weight=3"),
            ("state=inactive", None, "group=a&state=inactive&weight=3"),
            ("state=active", None, "group=a&state=active&weight=3"),
            ("", None, "weight=3&group=a"),
        ] {
            let mut node = Node::new("h:1?weight=3&group=a".parse().unwrap());
            assert_eq!(
                node.decide(Some(&held(found, owner)), &mine(&["s"])),
                (put(written), None),
                "{found}"
            );
        }
        let mut node = Node::new("h:1?weight=3".parse().unwrap());
        let absent = Action::Put("h:1?weight=3".parse().unwrap(), Expect::Absent);
        assert_eq!(node.decide(None, &mine(&["s"])), (absent, None));
    }

    #[test]
    fn edits_are_kept_through_all_that_may_happen_to_the_entry() {
        let mut node = standing("weight=3");
        let edit = "state=inactive&weight=3&note=x";
        let kept = Action::Put(format!("h:1?{edit}").parse().unwrap(), Expect::Absent);
        assert_eq!(
            node.decide(Some(&held(edit, Some("s"))), &mine(&["s"])),
            (Action::Leave, Some(News::Edited))
        );
        assert_eq!(node.decide(Some(&held(edit, Some("s"))), &mine(&["s"])), (Action::Leave, None));
        assert_eq!(node.decide(None, &mine(&["s"])), (kept, Some(News::Vanished)));
        assert_eq!(node.decide(Some(&held(edit, Some("s"))), &mine(&["s", "t"])), (put(edit), None));
        assert_eq!(node.decide(Some(&held(edit, None)), &mine(&["s", "t"])), (put(edit), None));
    }

    #[test]
    fn a_console_that_writes_under_its_own_session_edits() {
        let mut node = standing("weight=3");
        let edit = held("state=inactive&weight=3", Some("console"));
        assert_eq!(
            node.decide(Some(&edit), &mine(&["s"])),
            (put("state=inactive&weight=3"), Some(News::Edited))
        );
    }

    #[test]
    fn another_process_is_left_alone_and_named_once() {
        let mut node = standing("weight=3");
        let other = held("weight=3", Some("other"));
        assert_eq!(node.decide(Some(&other), &mine(&["s"])), (Action::Leave, Some(News::Contested)));
        assert_eq!(node.decide(Some(&other), &mine(&["s"])), (Action::Leave, None));
        assert!(!Node::may_delete(&other, &mine(&["s"])));
        assert!(matches!(node.decide(None, &mine(&["s"])).0, Action::Put(_, Expect::Absent)));

        // One whose attributes differ looks like a console at first.
        let mut node = standing("weight=3");
        let other = held("weight=4", Some("other"));
        assert_eq!(node.decide(Some(&other), &mine(&["s"])).0, put("weight=4"));
        let again = held("weight=5", Some("other"));
        assert_eq!(node.decide(Some(&again), &mine(&["s"])), (Action::Leave, Some(News::Contested)));
    }

    #[test]
    fn the_last_to_come_has_the_entry_and_does_not_fight_for_it() {
        let mut second = Node::new("h:1?weight=4".parse().unwrap());
        let first = held("weight=3", Some("first"));
        assert_eq!(second.decide(Some(&first), &mine(&["second"])), (put("weight=4"), None));
        second.written(Attributes::parse("weight=4"));
        let taken_back = held("weight=9", Some("first"));
        assert_eq!(
            second.decide(Some(&taken_back), &mine(&["second"])),
            (Action::Leave, Some(News::Contested))
        );
    }
}
