#include "apps/desktop/look.hpp"

#include <QApplication>
#include <QFontMetricsF>
#include <QPainter>
#include <QStyleFactory>

#include <algorithm>

namespace millrace::apps {

namespace {

constexpr int half = 128;

struct Tones {
    QRgb window, base, button, text, accent;
};
constexpr Tones light_tones{0xFFF6F6F4, 0xFFFFFFFF, 0xFFFAFAF9, 0xFF1F2328, 0xFF2F6FB5};
constexpr Tones dark_tones{0xFF1C1E22, 0xFF26292E, 0xFF2D3036, 0xFFE4E6EA, 0xFF5B9BD9};

QPalette palette_of(const Tones& tones) {
    QPalette palette{QColor{tones.button}, QColor{tones.window}};
    palette.setColor(QPalette::Base, QColor{tones.base});
    palette.setColor(QPalette::AlternateBase, QColor{tones.window});
    palette.setColor(QPalette::Highlight, QColor{tones.accent});
    palette.setColor(QPalette::HighlightedText, Qt::white);
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) {
        palette.setColor(role, QColor{tones.text});
        QColor off{tones.text};
        off.setAlphaF(0.38F);
        palette.setColor(QPalette::Disabled, role, off);
    }
    QColor hint{tones.text};
    hint.setAlphaF(0.45F);
    palette.setColor(QPalette::PlaceholderText, hint);
    palette.setColor(QPalette::ToolTipBase, QColor{tones.base});
    palette.setColor(QPalette::ToolTipText, QColor{tones.text});
    return palette;
}

bool is_digit(QChar letter) {
    return letter >= u'0' && letter <= u'9';
}

double widest_digit(const QFontMetricsF& metrics) {
    double widest = 0;
    for (char16_t digit = u'0'; digit <= u'9'; ++digit) {
        widest = std::max(widest, metrics.horizontalAdvance(QChar{digit}));
    }
    return widest;
}

}   // namespace

void use_colours(Colours colours) {
    if (colours != Colours::system) {
        QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
        QApplication::setPalette(palette_of(colours == Colours::dark ? dark_tones : light_tones));
    }
}

QColor quiet(const QPalette& palette) {
    QColor colour = palette.color(QPalette::WindowText);
    colour.setAlphaF(0.62F);
    return colour;
}

bool is_dark(const QPalette& palette) {
    return palette.color(QPalette::Window).lightness() < half;
}

QColor colour_of(Mood mood, const QPalette& palette) {
    const bool dark = is_dark(palette);
    switch (mood) {
        case Mood::good: return dark ? QColor{0x5F, 0xB8, 0x7A} : QColor{0x2E, 0x8B, 0x57};
        case Mood::trouble: return dark ? QColor{0xE0, 0xA9, 0x4A} : QColor{0xB9, 0x77, 0x0E};
        case Mood::failed: return dark ? QColor{0xE0, 0x70, 0x6B} : QColor{0xC0, 0x39, 0x2B};
        case Mood::calm: break;
    }
    return quiet(palette);
}

QFont scaled(const QFont& font, double factor) {
    QFont other = font;
    other.setPointSizeF(font.pointSizeF() * factor);
    return other;
}

QString text_of(std::string_view utf8) {
    return QString::fromUtf8(utf8.data(), static_cast<qsizetype>(utf8.size()));
}

double draw_tabular(QPainter& painter, QPointF left, QStringView text) {
    const QFontMetricsF metrics{painter.font()};
    const double cell = widest_digit(metrics);
    for (const QChar letter : text) {
        const double own = metrics.horizontalAdvance(letter);
        const double taken = is_digit(letter) ? cell : own;
        painter.drawText(QPointF{left.x() + (taken - own) / 2, left.y()}, QString{letter});
        left.rx() += taken;
    }
    return left.x();
}

double tabular_width(const QFont& font, QStringView text) {
    const QFontMetricsF metrics{font};
    const double cell = widest_digit(metrics);
    double width = 0;
    for (const QChar letter : text) {
        width += is_digit(letter) ? cell : metrics.horizontalAdvance(letter);
    }
    return width;
}

}   // namespace millrace::apps
