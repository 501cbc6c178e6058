//! The calls of etcd's v3 API that are used here, over gRPC to one member.

use std::sync::Arc;

use http::uri::PathAndQuery;
use parking_lot::RwLock;
use prost::Message;
use tokio::sync::{Mutex, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status, Streaming};
use tonic_prost::ProstCodec;

use super::failure::Failure;
use super::wire::{
    AuthenticateRequest, AuthenticateResponse, LeaseGrantRequest, LeaseGrantResponse, LeaseKeepAliveRequest,
    LeaseKeepAliveResponse, LeaseRevokeRequest, LeaseRevokeResponse, RangeRequest, RangeResponse, TxnRequest,
    TxnResponse, WatchCreateRequest, WatchRequest, WatchResponse,
};
use crate::registry::Secret;

/// The most that is taken of one answer: a service with some hundred thousand instances.
const MOST_BYTES: usize = 64 << 20;

/// The requests of one stream that wait to be sent.
const REQUESTS: usize = 100;

/// Where a call says that a member that has lost its cluster is to refuse it.
const REQUIRE_LEADER: &str = "hasleader";

/// Where a call carries its token.
const TOKEN: &str = "token";

/// A client of one member. Clones share the connection and the token.
#[derive(Clone)]
pub(super) struct Client {
    channel: Channel,
    user: Option<Arc<User>>,
}

/// Who asks, with the token that stands for it.
struct User {
    name: String,
    password: Secret,
    token: RwLock<Option<AsciiMetadataValue>>,
    /// Held while logging in, so that calls whose tokens have expired log in once.
    login: Mutex<()>,
}

impl Client {
    /// A client that connects when it is first used.
    pub(super) fn new(endpoint: &Endpoint) -> Self {
        Self { channel: endpoint.connect_lazy(), user: None }
    }

    /// Logs in; the token goes with each call from then on, and is renewed when it has expired.
    pub(super) async fn log_in(self, name: &str, password: &Secret) -> Result<Self, Failure> {
        let user = User {
            name: name.to_owned(),
            password: password.clone(),
            token: RwLock::default(),
            login: Mutex::default(),
        };
        self.renew_token(&user, None).await?;
        Ok(Self { user: Some(Arc::new(user)), ..self })
    }

    pub(super) async fn range(&self, request: RangeRequest) -> Result<RangeResponse, Failure> {
        self.unary("/etcdserverpb.KV/Range", request).await
    }

    pub(super) async fn txn(&self, request: TxnRequest) -> Result<TxnResponse, Failure> {
        self.unary("/etcdserverpb.KV/Txn", request).await
    }

    pub(super) async fn grant(&self, seconds: i64) -> Result<LeaseGrantResponse, Failure> {
        self.unary("/etcdserverpb.Lease/LeaseGrant", LeaseGrantRequest { ttl: seconds }).await
    }

    pub(super) async fn revoke(&self, id: i64) -> Result<(), Failure> {
        let answer = self.unary("/etcdserverpb.Lease/LeaseRevoke", LeaseRevokeRequest { id }).await;
        answer.map(|LeaseRevokeResponse {}| ())
    }

    /// Renews a lease once.
    pub(super) async fn keep_alive(&self, id: i64) -> Result<(), Failure> {
        // The requests stay open until the answer is there: their end would be the stream's.
        let (_requests, mut answers) = self
            .stream::<_, LeaseKeepAliveResponse>(
                "/etcdserverpb.Lease/LeaseKeepAlive",
                LeaseKeepAliveRequest { id },
            )
            .await?;
        match answers.message().await? {
            Some(answer) if answer.ttl > 0 => Ok(()),
            Some(_) => Err(Failure::LeaseGone),
            None => Err(Failure::StreamEnded),
        }
    }

    /// Opens a stream of watches, with the first of them.
    pub(super) async fn watch(&self, first: WatchCreateRequest) -> Result<Watch, Failure> {
        let (requests, answers) = self.stream("/etcdserverpb.Watch/Watch", WatchRequest::from(first)).await?;
        Ok(Watch { requests, answers })
    }

    async fn unary<Q, A>(&self, path: &'static str, question: Q) -> Result<A, Failure>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        let question = &question;
        let ask = move |token| async move {
            let request = request(question.clone(), token);
            let path = PathAndQuery::from_static(path);
            Ok(self.grpc().await?.unary(request, path, codec()).await?.into_inner())
        };
        self.with_token(ask).await
    }

    /// Opens a stream. Its first request goes along, because etcd answers nothing before it.
    async fn stream<Q, A>(
        &self,
        path: &'static str,
        first: Q,
    ) -> Result<(mpsc::Sender<Q>, Streaming<A>), Failure>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        let first = &first;
        let ask = move |token| async move {
            let (requests, sent) = mpsc::channel(REQUESTS);
            requests.send(first.clone()).await.map_err(|_| Failure::StreamEnded)?;
            let request = request(ReceiverStream::new(sent), token);
            let path = PathAndQuery::from_static(path);
            let answers = self.grpc().await?.streaming(request, path, codec()).await?;
            Ok((requests, answers.into_inner()))
        };
        self.with_token(ask).await
    }

    /// Asks with the token, and once more with a new one if etcd does not take it any more.
    async fn with_token<A, F>(&self, ask: impl Fn(Option<AsciiMetadataValue>) -> F) -> Result<A, Failure>
    where
        F: Future<Output = Result<A, Failure>>,
    {
        let Some(user) = &self.user else { return ask(None).await };
        let token = user.token.read().clone();
        match ask(token.clone()).await {
            Err(Failure::Status(status)) if status.code() == Code::Unauthenticated => {
                self.renew_token(user, token).await?;
                let token = user.token.read().clone();
                ask(token).await
            }
            answer => answer,
        }
    }

    /// Logs in, unless another call has done so since this token was taken.
    async fn renew_token(&self, user: &User, refused: Option<AsciiMetadataValue>) -> Result<(), Failure> {
        let _login = user.login.lock().await;
        if *user.token.read() != refused {
            return Ok(());
        }
        let question =
            AuthenticateRequest { name: user.name.clone(), password: user.password.reveal().to_owned() };
        let answer: AuthenticateResponse = self
            .grpc()
            .await?
            .unary(
                request(question, None),
                PathAndQuery::from_static("/etcdserverpb.Auth/Authenticate"),
                codec(),
            )
            .await?
            .into_inner();
        let mut token: AsciiMetadataValue = answer.token.parse().map_err(|_| Failure::Token)?;
        token.set_sensitive(true);
        *user.token.write() = Some(token);
        Ok(())
    }

    /// The connection, once it takes a call.
    async fn grpc(&self) -> Result<Grpc<Channel>, Failure> {
        let mut grpc = Grpc::new(self.channel.clone()).max_decoding_message_size(MOST_BYTES);
        grpc.ready().await.map_err(|e| Status::from_error(Box::new(e)))?;
        Ok(grpc)
    }
}

/// A stream of watches.
pub(super) struct Watch {
    requests: mpsc::Sender<WatchRequest>,
    answers: Streaming<WatchResponse>,
}

impl Watch {
    /// Asks for another watch on the stream.
    pub(super) async fn add(&self, watch: WatchCreateRequest) -> Result<(), Failure> {
        self.requests.send(watch.into()).await.map_err(|_| Failure::StreamEnded)
    }

    /// The next message; none when etcd has closed the stream.
    pub(super) async fn message(&mut self) -> Result<Option<WatchResponse>, Failure> {
        Ok(self.answers.message().await?)
    }
}

fn request<Q>(question: Q, token: Option<AsciiMetadataValue>) -> Request<Q> {
    let mut request = Request::new(question);
    let metadata = request.metadata_mut();
    metadata.insert(REQUIRE_LEADER, AsciiMetadataValue::from_static("true"));
    if let Some(token) = token {
        metadata.insert(TOKEN, token);
    }
    request
}

fn codec<Q, A>() -> ProstCodec<Q, A>
where
    Q: Message + 'static,
    A: Message + Default + 'static,
{
    ProstCodec::default()
}
