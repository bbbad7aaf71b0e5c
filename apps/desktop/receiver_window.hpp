#pragma once

#include "apps/desktop/stream_window.hpp"

class QLineEdit;

namespace millrace::apps {

/// Plays one address, and waits for it whenever it is not there.
class ReceiverWindow final : public StreamWindow {
public:
    /// `address` may be empty.
    ReceiverWindow(const QString& address, bool says_json, std::function<void()> gone);

private:
    control::OneStream wanted() const override;
    Labels labels_of(const NodeSight& sight) const override;
    Sentence sentence_of(const NodeSight& sight) const override;
    std::string document_of(const NodeSight& sight) const override;
    void let_choose(bool allowed) override;

    QLineEdit* address_ = nullptr;
};

}   // namespace millrace::apps
