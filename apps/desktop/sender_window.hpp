#pragma once

#include "apps/desktop/stream_window.hpp"

class QComboBox;
class QLineEdit;

namespace millrace::apps {

class SourceChoice;

/// Pushes a source to a destination and shows what is pushed: encoded, and decoded again.
class SenderWindow final : public StreamWindow {
public:
    /// What is chosen at the beginning, as the command line says it; what is empty is as usual.
    struct Choice {
        QString source;
        QString codec;
        QString bit_rate;
        QString destination;
    };
    SenderWindow(Choice choice, bool says_json, std::function<void()> gone);

private:
    control::OneStream wanted() const override;
    Labels labels_of(const NodeSight& sight) const override;
    Sentence sentence_of(const NodeSight& sight) const override;
    std::string document_of(const NodeSight& sight) const override;
    void let_choose(bool allowed) override;

    QWidget* make_choices(const Choice& choice);
    QWidget* make_destination(const Choice& choice);
    /// Only what this machine captures is encoded here.
    void follow_source();

    SourceChoice* source_ = nullptr;
    QComboBox* codec_ = nullptr;
    QComboBox* bit_rate_ = nullptr;
    QLineEdit* destination_ = nullptr;
};

}   // namespace millrace::apps
