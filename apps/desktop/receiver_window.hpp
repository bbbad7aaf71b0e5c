#pragma once

#include "apps/desktop/stream_window.hpp"

class QLineEdit;
class QPushButton;

namespace millrace::apps {

/// Plays one address, and waits for it whenever it is not there.
class ReceiverWindow final : public StreamWindow {
public:
    struct Choice {
        QString address;                             ///< may be empty
        QString sound = QStringLiteral("default");   ///< a sound card, or "off"
    };
    ReceiverWindow(const Choice& choice, bool says_json, std::function<void()> gone);

private:
    control::OneStream wanted() const override;
    Labels labels_of(const NodeSight& sight) const override;
    Sentence sentence_of(const NodeSight& sight) const override;
    std::string document_of(const NodeSight& sight) const override;
    std::string sound() const override { return sound_; }
    void let_choose(bool allowed) override;

    std::string sound_;
    QLineEdit* address_ = nullptr;
    QPushButton* mute_ = nullptr;
};

}   // namespace millrace::apps
