//! One connection's way out: the queue, the stream's writing half, and the rule who writes.
//!
//! A lone caller writes its frame itself, without a task hop. Otherwise frames join the queue
//! and the writer task is told; it lets the other runnable tasks go first, by a few yields, and
//! then writes all there is. `S` is what else the connection keeps under the same lock, so that
//! a call takes one lock and not two.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard, RwLock};

use super::outgoing::{Batch, Outgoing, Push, Work, reusable};
use crate::budget::ByteBudget;
use crate::transport::Sink;

/// What a connection keeps beside the queue.
pub(crate) trait Beside: Send {
    /// Something was written: whom to tell. Called under the lock.
    fn written(&mut self, out: &Outgoing, wakers: &mut Vec<Waker>) {
        let _ = (out, wakers);
    }
}

impl Beside for () {}

// The lock and what it guards begin at a line of the cache, so that who takes the lock has fetched
// with it what it is about to change.
#[repr(C, align(64))]
pub(crate) struct Link<S> {
    state: Mutex<State<S>>,
    /// Gone when the connection has ended, whoever still knows the connection: the socket is closed
    /// then. Everybody reads; the lock is only for taking it away.
    sink: RwLock<Option<Box<dyn Sink>>>,
    closed: AtomicBool,
}

#[repr(C)]
pub(crate) struct State<S> {
    pub(crate) out: Outgoing,
    pub(crate) extra: S,
    reader: Option<Waker>,
    /// Why the connection ended; the first reason stays.
    reason: Option<Reason>,
}

/// Why a connection ended.
#[derive(Clone, Debug)]
pub(crate) struct Reason {
    pub(crate) text: String,
    pub(crate) kind: Option<io::ErrorKind>,
}

impl Reason {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), kind: None }
    }

    pub(crate) fn io(what: &str, error: &io::Error) -> Self {
        Self { text: format!("{what}: {error}"), kind: Some(error.kind()) }
    }
}

impl<S: Beside> Link<S> {
    pub(crate) fn new(sink: Box<dyn Sink>, budget: &ByteBudget, extra: S) -> Self {
        Self {
            state: Mutex::new(State {
                out: Outgoing::new(budget.charge()),
                extra,
                reader: None,
                reason: None,
            }),
            sink: RwLock::new(Some(sink)),
            closed: AtomicBool::new(false),
        }
    }

    /// Looks at or changes the state. No user code may run in `f`.
    #[inline]
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut State<S>) -> R) -> R {
        f(&mut self.state.try_lock().unwrap_or_else(|| self.give_way()))
    }

    /// Waits for the lock, and lets others have the core first: the far end may need it, or the thread that
    /// was interrupted with the lock in its hands. `lock` alone spins before it does so.
    #[cold]
    fn give_way(&self) -> MutexGuard<'_, State<S>> {
        for _ in 0..GIVE_WAY {
            std::thread::yield_now();
            if let Some(state) = self.state.try_lock() {
                return state;
            }
        }
        self.state.lock()
    }

    /// Does what [`Outgoing::pushed`] decided; the lock is not held.
    #[inline]
    pub(crate) fn carry_out(&self, push: Push) {
        match push {
            Push::Nothing => {}
            Push::Wake(waker) => waker.wake(),
            Push::Write(batch) => drop(self.write(batch)),
        }
    }

    /// Sends encoded frames, all at once where that can be. `frames` is empty afterwards.
    pub(crate) fn send(&self, frames: &mut Vec<u8>) {
        if frames.is_empty() {
            // What made it large has gone another way.
            *frames = reusable(std::mem::take(frames));
            return;
        }
        let lent = self.with(|s| {
            s.out.lend(frames).ok_or_else(|| {
                s.out.append_encoded(frames);
                s.out.pushed(true)
            })
        });
        match lent {
            Ok(batch) => *frames = self.write(batch),
            Err(push) => {
                *frames = reusable(std::mem::take(frames));
                self.carry_out(push);
            }
        }
    }

    /// Writes a batch, and gives back its buffer if that was lent.
    fn write(&self, mut batch: Batch) -> Vec<u8> {
        let push = match self.try_write(&mut batch) {
            Ok(true) => self.finished(&mut batch),
            Ok(false) => {
                let push = self.with(|s| s.out.blocked(batch));
                self.carry_out(push);
                return Vec::new();
            }
            Err(error) => {
                self.fail(&Reason::io("write failed", &error), Some(&batch));
                return Vec::new();
            }
        };
        self.carry_out(push);
        batch.take_buffer()
    }

    fn finished(&self, batch: &mut Batch) -> Push {
        let mut wakers = Vec::new();
        let push = self.with(|s| {
            let push = s.out.finished(batch);
            s.extra.written(&s.out, &mut wakers);
            push
        });
        wakers.into_iter().for_each(Waker::wake);
        push
    }

    /// Writes as much as the stream takes; `false` when it takes no more now.
    fn try_write(&self, batch: &mut Batch) -> io::Result<bool> {
        while !batch.is_done() {
            match batch.with_slices(|slices| self.with_sink(|sink| sink.try_write(slices))) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => batch.advance(n),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }

    /// Ends the connection: nothing more is written, the reader is woken to clean up.
    pub(crate) fn close(&self, reason: &Reason) {
        self.fail(reason, None);
    }

    fn fail(&self, reason: &Reason, batch: Option<&Batch>) {
        let (writer, reader) = self.with(|s| {
            s.reason.get_or_insert_with(|| reason.clone());
            // Under the lock: who registers a waker and then finds the link open is woken.
            self.closed.store(true, Ordering::Release);
            (s.out.close(batch), s.reader.clone())
        });
        for waker in [writer, reader].into_iter().flatten() {
            waker.wake();
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(crate) fn reason(&self) -> Option<Reason> {
        self.with(|s| s.reason.clone())
    }

    pub(crate) fn wake_reader(&self) {
        if let Some(reader) = self.with(|s| s.reader.clone()) {
            reader.wake();
        }
    }

    /// Makes the reading task the one that [`close`](Self::close) wakes.
    pub(crate) fn register_reader(&self, cx: &Context<'_>) {
        self.with(|s| s.reader = Some(cx.waker().clone()));
    }

    /// The writer task. Ends when the connection is closed, after what was handed over has been
    /// dealt with.
    pub(crate) async fn run_writer(&self) {
        loop {
            let work = std::future::poll_fn(|cx| {
                self.with(|s| match s.out.work() {
                    Work::Wait => {
                        s.out.set_writer(cx.waker());
                        Poll::Pending
                    }
                    work => Poll::Ready(work),
                })
            })
            .await;
            let batch = match work {
                Work::Finish(batch) => batch,
                Work::Yield => {
                    self.wait_for_company().await;
                    match self.with(|s| s.out.gathered()) {
                        Some(batch) => batch,
                        None => continue,
                    }
                }
                Work::Close => return,
                Work::Wait => continue,
            };
            self.write_all(batch).await;
        }
    }

    /// Lets the others go first who have something to send, and once more while they do: a write
    /// costs as much as encoding several messages. When one of them has written meanwhile, what is
    /// queued has only just come, and the wait begins anew.
    async fn wait_for_company(&self) {
        let (mut taken, mut queued) = self.with(|s| s.out.standing());
        let mut yields = 0;
        while yields < MOST_YIELDS {
            tokio::task::yield_now().await;
            let (taken_before, queued_before) = (taken, queued);
            (taken, queued) = self.with(|s| s.out.standing());
            if taken != taken_before && queued > 0 {
                yields = 0;
                continue;
            }
            if queued < queued_before + COMPANY {
                return;
            }
            yields += 1;
        }
    }

    /// Writes a batch to its end. While the stream takes no more, the batch lies with the queue:
    /// whoever looks there, or closes the connection, knows how far it came.
    async fn write_all(&self, mut batch: Batch) {
        loop {
            match self.try_write(&mut batch) {
                Ok(true) => {
                    // A wake would only wake this task, which looks again anyway.
                    drop(self.finished(&mut batch));
                    return;
                }
                Ok(false) => drop(self.with(|s| s.out.blocked(batch))),
                Err(error) => return self.fail(&Reason::io("write failed", &error), Some(&batch)),
            }
            let ready = std::future::poll_fn(|cx| {
                self.with(|s| s.out.set_writer(cx.waker()));
                if self.is_closed() {
                    return Poll::Ready(Ok(()));
                }
                let sink = self.sink.read();
                sink.as_ref().map_or(Poll::Ready(Ok(())), |sink| sink.poll_ready(cx))
            });
            if let Err(error) = ready.await {
                return self.fail(&Reason::io("write failed", &error), None);
            }
            match self.with(|s| s.out.resume()) {
                Some(rest) => batch = rest,
                None => return,
            }
        }
    }

    /// Waits until everything appended so far has been written, or the connection is closed.
    pub(crate) async fn drained(&self) {
        // Polled rather than signalled: it is needed once, when a connection ends.
        while !self.is_closed() && self.with(|s| s.out.queued() > 0) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Tells the far end that nothing more will come; no longer than a while, whoever it is.
    pub(crate) async fn shutdown(&self) {
        let told = std::future::poll_fn(|cx| {
            let sink = self.sink.read();
            sink.as_ref().map_or(Poll::Ready(Ok(())), |sink| sink.poll_shutdown(cx))
        });
        let _ = tokio::time::timeout(FAREWELL, told).await;
    }

    /// Lets go of the stream: the last thing that is done with a connection that is closed.
    pub(crate) fn release(&self) {
        let sink = self.sink.write().take();
        drop(sink);
    }

    fn with_sink<R>(&self, f: impl FnOnce(&dyn Sink) -> io::Result<R>) -> io::Result<R> {
        match &*self.sink.read() {
            Some(sink) => f(&**sink),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// How often a thread lets others go first before it waits as the lock does, in the end by sleeping.
const GIVE_WAY: usize = 8;

/// How often the writer lets others go first before a write.
const MOST_YIELDS: usize = 4;

/// Bytes that have to come during one yield for the next one.
const COMPANY: usize = 2 * 1024;

const FAREWELL: Duration = Duration::from_secs(1);
