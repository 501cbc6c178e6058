//! The client's side: callers append their frames, one of them or a task writes, a task reads.

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bench_load::Result;
use bytes::{Bytes, BytesMut};
use parking_lot::{Mutex, MutexGuard};
use prost::Message;
use tokio::{
    io::AsyncReadExt,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::{
    batch::Batch,
    frame::{self, Frame},
    in_flight::InFlight,
    server::LARGE,
};

/// One connection; ends with its last handle.
pub(crate) struct Connection {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    stream: OwnedWriteHalf,
}

#[derive(Default)]
struct State {
    calls: InFlight,
    outgoing: Batch,
    /// Somebody is in a write call. A flag and not a lock: a thread asleep in there holds up nobody.
    writing: bool,
    /// What a caller could not write because the socket was full; `writing` stays set until the writer has.
    stalled: Option<Batch>,
    /// The writer task, when it has nothing to do.
    writer: Option<Waker>,
    /// Calls in a row that found no other under way.
    alone: u32,
    lost: Option<String>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Self {
        let (read, write) = stream.into_split();
        let shared = Arc::new(Shared { state: Mutex::default(), stream: write });
        tokio::spawn(Arc::clone(&shared).write_loop());
        tokio::spawn(Arc::clone(&shared).read_loop(read));
        Self { shared }
    }

    /// Sends a message, waits for the answer's payload.
    pub(crate) async fn call(&self, method: &[u8], message: &impl Message) -> Result<Bytes> {
        let waker = current_waker().await;
        let seq = SCRATCH.with_borrow_mut(|scratch| {
            scratch.clear();
            let open = frame::request(scratch, method);
            let size = message.encoded_len();
            if size >= LARGE {
                open.close(scratch, size);
                self.shared.send(scratch, Some(message.encode_to_vec().into()), waker)
            } else {
                message.encode(scratch)?;
                open.close(scratch, 0);
                self.shared.send(scratch, None, waker)
            }
        })?;
        Answer { shared: &self.shared, seq: Some(seq), fresh: true }.await
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shared.lose("the connection was dropped");
    }
}

impl Shared {
    /// Who finds it taken lets others have the core first: `lock` alone spins before it does so.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.try_lock().unwrap_or_else(|| {
            for _ in 0..GIVE_WAY {
                std::thread::yield_now();
                if let Some(state) = self.state.try_lock() {
                    return state;
                }
            }
            self.state.lock()
        })
    }

    /// Gives the frame its sequence number and sees to it that somebody writes it.
    fn send(&self, frame: &mut [u8], large: Option<Bytes>, waker: Waker) -> Result<u64> {
        let mut state = self.lock();
        if let Some(lost) = &state.lost {
            return Err(lost.clone().into());
        }
        let seq = state.calls.park(waker);
        frame[frame::SEQ].copy_from_slice(&seq.to_be_bytes());
        state.alone = if state.calls.len() == 1 { state.alone + 1 } else { 0 };

        if state.writing {
            state.outgoing.push(frame, large);
        } else if state.alone > ALONE && state.outgoing.is_empty() {
            // Nobody to wait for: straight from the scratch buffer to the socket.
            state.writing = true;
            drop(state);
            self.write_alone(frame, large)?;
        } else {
            state.outgoing.push(frame, large);
            if state.outgoing.len() >= ENOUGH {
                // The far end can start on this much.
                state.writing = true;
                let batch = std::mem::take(&mut state.outgoing);
                drop(state);
                self.write_now(batch)?;
            } else {
                let writer = state.writer.take();
                drop(state);
                if let Some(writer) = writer {
                    writer.wake();
                }
            }
        }
        Ok(seq)
    }

    fn write_alone(&self, frame: &[u8], large: Option<Bytes>) -> Result<()> {
        let written = match large {
            Some(_) => 0,
            None => match self.stream.try_write(frame) {
                Ok(written) if written == frame.len() => {
                    self.end_write(None);
                    return Ok(());
                }
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(error) => return Err(error.into()),
            },
        };
        let mut batch = Batch::default();
        batch.push(&frame[written..], large);
        self.write_now(batch)
    }

    /// Writes what the socket takes; the rest is the writer task's.
    fn write_now(&self, mut batch: Batch) -> Result<()> {
        loop {
            match self.try_write(&batch) {
                Ok(written) if batch.advance(written) => {
                    batch.clear();
                    self.end_write(Some(batch));
                    return Ok(());
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let mut state = self.lock();
                    state.stalled = Some(batch);
                    let writer = state.writer.take();
                    drop(state);
                    if let Some(writer) = writer {
                        writer.wake();
                    }
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn try_write(&self, batch: &Batch) -> io::Result<usize> {
        match batch.plain() {
            Some(bytes) => self.stream.try_write(bytes),
            None => self.stream.try_write_vectored(&batch.pieces()),
        }
    }

    /// Lets others write; what they queued meanwhile is the writer task's.
    fn end_write(&self, spare: Option<Batch>) {
        let mut state = self.lock();
        state.writing = false;
        if state.outgoing.is_empty() {
            if let Some(spare) = spare {
                state.outgoing = spare;
            }
        } else if let Some(writer) = state.writer.take() {
            drop(state);
            writer.wake();
        }
    }

    async fn write_loop(self: Arc<Self>) {
        let mut batch = Batch::default();
        while let Some(stalled) = self.work().await {
            match stalled {
                Some(stalled) => batch = stalled,
                None => {
                    // Whoever can run now gets its frame into the same write.
                    tokio::task::yield_now().await;
                    let mut state = self.lock();
                    if state.writing || state.outgoing.is_empty() {
                        continue;
                    }
                    state.writing = true;
                    std::mem::swap(&mut state.outgoing, &mut batch);
                }
            }
            if let Err(error) = self.write_all(&mut batch).await {
                return self.lose(&error.to_string());
            }
            batch.clear();
            self.lock().writing = false;
        }
    }

    async fn write_all(&self, batch: &mut Batch) -> io::Result<()> {
        loop {
            match self.try_write(batch) {
                Ok(written) if batch.advance(written) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until the writer task has something to write; nothing more comes when the connection is lost.
    async fn work(&self) -> Option<Option<Batch>> {
        poll_fn(|cx| {
            let mut state = self.lock();
            if state.lost.is_some() {
                return Poll::Ready(None);
            }
            if let Some(stalled) = state.stalled.take() {
                return Poll::Ready(Some(Some(stalled)));
            }
            if !state.writing && !state.outgoing.is_empty() {
                return Poll::Ready(Some(None));
            }
            state.writer = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    async fn read_loop(self: Arc<Self>, mut stream: OwnedReadHalf) {
        let lost = match self.read_all(&mut stream).await {
            Ok(()) => "the server closed the connection".to_owned(),
            Err(error) => error.to_string(),
        };
        self.lose(&lost);
    }

    async fn read_all(&self, stream: &mut OwnedReadHalf) -> Result<()> {
        let mut buffer = BytesMut::with_capacity(READ_SIZE);
        let mut answers = Vec::new();
        let mut wakers = Vec::new();
        loop {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            let mut end = 0;
            let missing = loop {
                match Frame::split(&buffer[end..])? {
                    Ok(frame) if frame.is_good_reply() => {
                        let (seq, payload) = (frame.seq(), frame.payload.len());
                        end += frame.size;
                        answers.push((seq, end - payload..end));
                    }
                    Ok(_) => return Err("the server answered with an error".into()),
                    Err(size) => break size - (buffer.len() - end),
                }
            };
            let whole = buffer.split_to(end).freeze();
            {
                let mut state = self.lock();
                for (seq, payload) in answers.drain(..) {
                    wakers.extend(state.calls.answer(seq, whole.slice(payload)));
                }
            }
            wakers.drain(..).for_each(Waker::wake);
            drop(whole);
            buffer.reserve(missing.max(READ_SIZE / 4));
        }
    }

    fn lose(&self, why: &str) {
        let mut state = self.lock();
        state.lost.get_or_insert_with(|| why.to_owned());
        let mut wakers = state.calls.wakers();
        wakers.extend(state.writer.take());
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// The answer to come.
struct Answer<'a> {
    shared: &'a Shared,
    seq: Option<u64>,
    /// Parked with this very waker a moment ago: the first poll need not look.
    fresh: bool,
}

impl Future for Answer<'_> {
    type Output = Result<Bytes>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Bytes>> {
        if std::mem::take(&mut self.fresh) {
            return Poll::Pending;
        }
        let seq = self.seq.expect("not polled again once it was ready");
        let mut state = self.shared.lock();
        if let Poll::Ready(payload) = state.calls.poll(seq, cx) {
            drop(state);
            self.seq = None;
            return Poll::Ready(Ok(payload));
        }
        match &state.lost {
            Some(lost) => Poll::Ready(Err(lost.clone().into())),
            None => Poll::Pending,
        }
    }
}

impl Drop for Answer<'_> {
    fn drop(&mut self) {
        if let Some(seq) = self.seq {
            self.shared.lock().calls.release(seq);
        }
    }
}

async fn current_waker() -> Waker {
    poll_fn(|cx| Poll::Ready(cx.waker().clone())).await
}

thread_local! {
    /// Frames are put together here, outside the lock.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// So many calls in a row without company make a caller write for itself.
const ALONE: u32 = 3;

/// So many bytes are written at once, without waiting for company.
const ENOUGH: usize = 32 << 10;

/// How often a thread lets others go first before it waits as the lock does.
const GIVE_WAY: usize = 8;

/// How much is read at once when there is that much.
const READ_SIZE: usize = 64 << 10;
