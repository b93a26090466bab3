// Implementation of connection_driver.h, connections that this server dials; include that.
#pragma once

#include <cstring>
#include <string>
#include <utility>

namespace solec {

template <class I, class H>
void ConnectionDriver<I, H>::StartDials() {
  for (const ConnectionTable::DialWanted& wanted : std::exchange(table_->dials_, {})) {
    Connection* connection = table_->Create(io_->Connect(wanted.address));
    connection->state = ConnectionState::kDialling;
    connection->dialled = true;
    table_->dialling_.push_back({connection->socket.index, wanted.tag});
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
  StartReceive(connection);
  handler_->OnDialed(connection, table_->TakeDialTag(*connection));
}

template <class I, class H>
void ConnectionDriver<I, H>::FailDial(Connection* connection, DialStep step,
                                      std::string_view text) {
  const uint64_t tag = table_->TakeDialTag(*connection);
  CloseNow(connection);
  handler_->OnDialFailed(tag, step, text);
}

}  // namespace solec
