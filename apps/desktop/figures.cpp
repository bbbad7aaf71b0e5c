#include "apps/desktop/figures.hpp"

#include "apps/desktop/look.hpp"

#include <fmt/format.h>

#include <QPainter>
#include <QPainterPath>

namespace millrace::apps {

namespace {

constexpr double large = 2.2;   // of the window's font
constexpr double small = 0.8;
constexpr double graph_height = 2.6;   // in lines
constexpr double caption_gap = 0.15;
constexpr double graph_gap = 0.5;
constexpr double row_lines = 1.65;
constexpr double corner = 4;

/// What a graph reaches up to, in as few letters as it takes: "5M", "200k", "50".
std::string scale_text(double top) {
    return top >= 1e6   ? fmt::format("{:g}M", top / 1e6)
           : top >= 1e4 ? fmt::format("{:g}k", top / 1e3)
                        : fmt::format("{:g}", top);
}

}   // namespace

Figure::Figure(QWidget* parent) : QWidget{parent} {
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
}

void Figure::add(Instant at, std::optional<double> number) {
    now_ = at;
    minute_.add(at, number);
    update();
}

void Figure::show_label(const Label& label) {
    label_ = label;
    setAccessibleName(text_of(label.name));
    setAccessibleDescription(text_of(label.text()));
    update();
}

QSize Figure::sizeHint() const {
    const double line = fontMetrics().height();
    const double number = QFontMetricsF{scaled(font(), large)}.height();
    return {fontMetrics().averageCharWidth() * 20,
            static_cast<int>(line * (1 + caption_gap + graph_gap + graph_height) + number)};
}

void Figure::paintEvent(QPaintEvent* /*event*/) {
    QPainter painter{this};
    painter.setRenderHint(QPainter::Antialiasing);
    const QFontMetricsF metrics{font()};
    painter.setPen(quiet(palette()));
    painter.drawText(QPointF{0, metrics.ascent()}, text_of(label_.name));

    const QFont number_font = scaled(font(), large);
    const QFontMetricsF number{number_font};
    const double base_line = metrics.height() * (1 + caption_gap) + number.ascent();
    painter.setFont(number_font);
    painter.setPen(palette().color(QPalette::WindowText));
    const double end = draw_tabular(painter, {0, base_line}, text_of(label_.value));
    painter.setFont(font());
    painter.setPen(quiet(palette()));
    painter.drawText(QPointF{end + metrics.averageCharWidth() * 0.9, base_line}, text_of(label_.unit));

    const double top = metrics.height() * (1 + caption_gap + graph_gap) + number.height();
    paint_graph(painter, {0, top, static_cast<double>(width()), metrics.height() * graph_height});
}

void Figure::paint_graph(QPainter& painter, const QRectF& area) const {
    QColor ground = palette().color(QPalette::WindowText);
    ground.setAlphaF(0.055F);
    painter.setPen(Qt::NoPen);
    painter.setBrush(ground);
    painter.drawRoundedRect(area, corner, corner);
    const QRectF inside = area.adjusted(corner, corner, -corner, -corner);
    const QColor accent = palette().color(QPalette::Highlight);
    QColor below = accent;
    below.setAlphaF(0.18F);
    for (const std::vector<Minute::Point>& line : minute_.lines(now_)) {
        QPainterPath path;
        for (const Minute::Point& point : line) {
            const QPointF place{inside.left() + point.across * inside.width(),
                                inside.bottom() - point.up * inside.height()};
            path.elementCount() == 0 ? path.moveTo(place) : path.lineTo(place);
        }
        QPainterPath filled = path;
        filled.lineTo(path.currentPosition().x(), inside.bottom());
        filled.lineTo(path.elementAt(0).x, inside.bottom());
        painter.fillPath(filled, below);
        painter.strokePath(path, QPen{accent, 1.5, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin});
    }
    if (minute_.top() > 0) {
        const QFont tiny = scaled(font(), small);
        const QFontMetricsF metrics{tiny};
        const QString text = text_of(scale_text(minute_.top()));
        painter.setFont(tiny);
        painter.setPen(quiet(palette()));
        // Above the graph, where no line crosses it.
        draw_tabular(painter, {area.right() - tabular_width(tiny, text), area.top() - metrics.descent()},
                     text);
    }
}

FactList::FactList(QWidget* parent) : QWidget{parent} {
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
}

int FactList::row_height() const {
    return static_cast<int>(fontMetrics().height() * row_lines);
}

QSize FactList::sizeHint() const {
    return {fontMetrics().averageCharWidth() * 20, row_height() * static_cast<int>(labels_.size())};
}

void FactList::show_labels(std::vector<Label> labels) {
    const bool other_height = labels.size() != labels_.size();
    labels_ = std::move(labels);
    QString words;
    for (const Label& label : labels_) {
        words += text_of(label.name) + u' ' + text_of(label.text()) + u'\n';
    }
    setAccessibleDescription(words);
    if (other_height) {
        updateGeometry();
    }
    update();
}

void FactList::paintEvent(QPaintEvent* /*event*/) {
    QPainter painter{this};
    const QFontMetricsF metrics{font()};
    QColor rule = palette().color(QPalette::WindowText);
    rule.setAlphaF(0.10F);
    const int height = row_height();
    int top = 0;
    for (const Label& label : labels_) {
        painter.setPen(rule);
        painter.drawLine(0, top, width(), top);
        const double base_line = top + (height + metrics.ascent() - metrics.descent()) / 2;
        painter.setPen(quiet(palette()));
        painter.drawText(QPointF{0, base_line}, text_of(label.name));
        const QString value = text_of(label.text());
        painter.setPen(palette().color(QPalette::WindowText));
        draw_tabular(painter, {width() - tabular_width(font(), value), base_line}, value);
        top += height;
    }
}

}   // namespace millrace::apps
