#pragma once

#include <QComboBox>

namespace millrace::apps {

/// Where pictures come from: what this machine has, as `millrace devices` lists it, or an address that is
/// typed. Interface thread only.
class SourceChoice final : public QComboBox {
public:
    explicit SourceChoice(QWidget* parent);

    /// As the configuration has it: "v4l2:/dev/video0".
    QString source() const;
    void set_source(const QString& source);

private:
    void ask_for_devices();
    void add_device(const QByteArray& line);
};

}   // namespace millrace::apps
