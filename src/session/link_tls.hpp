#pragma once

#include "protocol/link/tls_association.hpp"
#include "session/link_connection.hpp"

#include <functional>
#include <memory>

namespace millrace::session {

/// A link over one TCP connection: its TLS, and the clock of both. Bytes wait here only while the system
/// takes none, at most one message of them. Own executor only.
class TlsLine final {
public:
    /// `trust`: of who called; it outlives the handshake here.
    TlsLine(Executor& executor, std::unique_ptr<Connection> tcp, std::unique_ptr<link::DtlsClient> trust,
            link::TlsAssociation association);
    TlsLine(const TlsLine&) = delete;
    TlsLine& operator=(const TlsLine&) = delete;

    link::TlsAssociation& association() { return association_; }
    const link::TlsAssociation& association() const { return association_; }
    Connection& tcp() { return *tcp_; }
    const Connection& tcp() const { return *tcp_; }
    /// Why a handshake failed, in words; empty: it did not, or nobody knows.
    std::string doubts(const Error& ending) const {
        return trust_ == nullptr ? std::string{} : trust_->doubts(ending);
    }
    /// Whether all that was said has been taken by the system.
    bool is_flushed() const { return out_at_ == out_.size(); }
    /// After anything was done to the association: sends, reads on, sets the clock, and tells.
    void settle();

    std::function<void()> on_change;

private:
    /// Listens to one direction of the connection.
    struct Side final : Waitable::Waiter {
        Side(TlsLine& its, void (TlsLine::*what)()) : line{its}, call{what} {}
        void on_ready(Result<> ready) override {
            if (ready) {
                (line.*call)();
            }
        }
        TlsLine& line;
        void (TlsLine::*call)();
    };
    static constexpr std::size_t read_max = 32U << 10U;

    void on_readable();
    void on_writable() { settle(); }
    void on_due();
    void flush();

    Executor& executor_;
    std::unique_ptr<Connection> tcp_;
    std::unique_ptr<link::DtlsClient> trust_;
    link::TlsAssociation association_;
    std::vector<std::byte> out_;   // on its way to the system
    std::size_t out_at_ = 0;
    Side read_side_{*this, &TlsLine::on_readable};
    Side write_side_{*this, &TlsLine::on_writable};
    Alarm<TlsLine, &TlsLine::on_due> due_{*this};
};

/// A link over TLS, as whoever speaks on it has it. `ending` counts it while it was closed here and what was
/// written still leaves; it outlives the executor's tasks.
class TlsLinkConnection : public LinkConnection {
public:
    TlsLinkConnection(Executor& executor, std::unique_ptr<TlsLine> line, std::size_t* ending);
    TlsLinkConnection(const TlsLinkConnection&) = delete;
    TlsLinkConnection& operator=(const TlsLinkConnection&) = delete;
    ~TlsLinkConnection() override { leave(); }

    std::size_t unacknowledged() const final;
    void hold_little() final;
    void let_in() override;
    LinkReport link_report() const final;

protected:
    using LinkConnection::end;

private:
    std::size_t room() const final;
    Result<> send(const Bytes& message) final;
    std::optional<std::vector<std::byte>> next_message() final;
    void hang_up() final { leave(); }
    void look();
    void leave();

    std::unique_ptr<TlsLine> line_;   // none: it was closed here
    std::size_t* ending_;
    std::uint64_t bytes_sent_ = 0;
};

}   // namespace millrace::session
