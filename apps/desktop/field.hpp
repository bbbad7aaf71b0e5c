#pragma once

#include <QLabel>
#include <QString>
#include <QVBoxLayout>
#include <QWidget>

namespace millrace::apps {

/// A control with its name above it, by which a screen reader knows it, too.
inline QWidget* field(const QString& name, QWidget* control) {
    auto* const whole = new QWidget;
    auto* const rows = new QVBoxLayout{whole};
    rows->setContentsMargins(0, 0, 0, 0);
    rows->setSpacing(4);
    auto* const label = new QLabel{name, whole};
    label->setBuddy(control);
    control->setAccessibleName(name);
    control->setMinimumHeight(label->fontMetrics().height() * 2);
    rows->addWidget(label);
    rows->addWidget(control);
    return whole;
}

}   // namespace millrace::apps
