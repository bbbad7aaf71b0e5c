#include "net/patience.hpp"

#include "net/tls_connection.hpp"

namespace millrace::net {

void be_patient(Connection& connection) {
    if (auto* const plain = dynamic_cast<TcpConnection*>(&connection)) {
        plain->be_patient();
    } else if (auto* const encrypted = dynamic_cast<TlsConnection*>(&connection)) {
        encrypted->be_patient();
    }
}

}   // namespace millrace::net
