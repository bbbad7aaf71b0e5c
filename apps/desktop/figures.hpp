#pragma once

#include "apps/desktop/labels.hpp"
#include "apps/desktop/minute.hpp"

#include <QWidget>

#include <vector>

namespace millrace::apps {

/// A large number with its name above it and its last minute beneath. Interface thread only.
class Figure final : public QWidget {
public:
    explicit Figure(QWidget* parent);

    /// For the graph.
    void add(Instant at, std::optional<double> number);
    void show_label(const Label& label);
    /// Forgets the minute.
    void clear() { minute_.clear(); }
    QSize sizeHint() const override;

private:
    void paintEvent(QPaintEvent* event) override;
    void paint_graph(QPainter& painter, const QRectF& area) const;

    Label label_;
    Minute minute_;
    Instant now_;
};

/// Small numbers beneath each other, names to the left and values in one line to the right. Interface thread
/// only.
class FactList final : public QWidget {
public:
    explicit FactList(QWidget* parent);

    void show_labels(std::vector<Label> labels);
    QSize sizeHint() const override;

private:
    void paintEvent(QPaintEvent* event) override;
    int row_height() const;

    std::vector<Label> labels_;
};

}   // namespace millrace::apps
