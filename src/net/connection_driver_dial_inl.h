// Implementation of connection_driver.h, connections that this server dials; include that.
#pragma once

#include <cstring>
#include <string>
#include <utility>

namespace solec {

template <class I, class H>
void ConnectionDriver<I, H>::StartDials() {
  for (ConnectionTable::DialWanted& wanted : std::exchange(table_->dials_, {})) {
    Connection* connection = table_->Create(io_->Connect(wanted.address));
    connection->state = ConnectionState::kDialling;
    connection->dialled = true;
    table_->dialling_.push_back(
        {connection->socket.index, wanted.tag, std::move(wanted.options)});
    SetLoginTimer(connection, NowMs());
  }
}

template <class I, class H>
void ConnectionDriver<I, H>::OnConnected(SocketId socket, int error) {
  Connection* connection = table_->Get(socket);
  if (connection == nullptr || connection->state != ConnectionState::kDialling) return;
  handler_->SetNow(io_->NowNs());
  if (error != 0) {
    FailDial(connection, DialStep::kConnect, std::strerror(error));
    return;
  }
  connection->state = ConnectionState::kLogin;
  const DialOptions& options = table_->DialOf(*connection)->options;
  if (options.tls) {
    SOLEC_ASSERT(table_->tls_ != nullptr);
    connection->tls = table_->tls_->Dial(options.server_name, table_->buffers_);
    table_->MarkDirty(connection);
  }
  StartReceive(connection);
  if (!options.tls) TellDialed(connection);
}

// The handler is told once, when what it says can be sent.
template <class I, class H>
void ConnectionDriver<I, H>::TellDialed(Connection* connection) {
  if (!connection->dialled || !connection->live() || !table_->IsDialling(*connection)) return;
  handler_->OnDialed(connection, table_->TakeDialTag(*connection));
}

// A dial that ended before the handler was told.
template <class I, class H>
void ConnectionDriver<I, H>::FailEndedDial(Connection* connection) {
  const DialStep step = connection->tls == nullptr ? DialStep::kConnect : DialStep::kTls;
  std::string_view text = CloseReasonName(connection->close_reason);
  if (connection->close_reason == CloseReason::kTlsFailed) text = connection->tls->FailureText();
  if (connection->close_reason == CloseReason::kLoginTimeout) text = "no answer in time";
  if (connection->close_reason == CloseReason::kPeerClosed) text = "the other side hung up";
  FailDial(connection, step, text);
}

template <class I, class H>
void ConnectionDriver<I, H>::FailDial(Connection* connection, DialStep step,
                                      std::string_view text) {
  const uint64_t tag = table_->TakeDialTag(*connection);
  CloseNow(connection);
  handler_->OnDialFailed(tag, step, text);
}

}  // namespace solec
