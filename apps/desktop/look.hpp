#pragma once

#include "apps/desktop/sentences.hpp"

#include <QColor>
#include <QFont>
#include <QPalette>
#include <QString>
#include <QStringView>

#include <string_view>

class QPainter;
class QWidget;

namespace millrace::apps {

/// As the desktop has it, or one that this program brings.
enum class Colours : std::uint8_t { system, light, dark };
/// Of every window from now on.
void use_colours(Colours colours);

/// Text that says what a number is, less loud than the number.
QColor quiet(const QPalette& palette);
/// The palette's own text in a dark window is light, and the other way round.
bool is_dark(const QPalette& palette);
QColor colour_of(Mood mood, const QPalette& palette);

QFont scaled(const QFont& font, double factor);
QString text_of(std::string_view utf8);

/// Draws digits in cells of one width, so that numbers do not dance where the font has narrow ones. `left` is
/// where it begins on the base line; gives where it ends.
double draw_tabular(QPainter& painter, QPointF left, QStringView text);
double tabular_width(const QFont& font, QStringView text);

}   // namespace millrace::apps
