#include "container/multipart_reader.hpp"

#include <gtest/gtest.h>

namespace millrace::multipart {
namespace {

struct Read {
    std::vector<std::string> bodies;
    std::vector<std::string> types;
    std::optional<Error> error;
    bool ended = false;
};

Read read(std::string_view boundary, std::string_view wire, std::size_t piece) {
    Read got;
    Reader reader = Reader::make(boundary).value();
    while (!wire.empty() && !got.error) {
        const Result<> received = reader.receive(as_bytes(wire.substr(0, piece)));
        wire.remove_prefix(std::min(piece, wire.size()));
        if (!received) {
            got.error = received.error();
        }
        while (const auto part = reader.next()) {
            got.bodies.emplace_back(as_text(part->body));
            got.types.push_back(part->type);
        }
    }
    got.ended = reader.ended();
    return got;
}

TEST(MultipartReader, understands_what_cameras_send_however_it_is_cut) {
    const struct {
        std::string_view what;
        std::string_view boundary;
        std::string_view wire;
        std::vector<std::string> bodies;
    } cases[] = {
        {"as the RFC has it",
         "b",
         "preamble\r\n--b\r\nContent-Type: image/jpeg\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n",
         {"one", "two"}},
        {"lengths",
         "b",
         "--b\r\nContent-Length: 3\r\n\r\none\r\n--b\r\nContent-Length: 3\r\n\r\ntwo\r\n--b\r\n",
         {"one", "two"}},
        {"no line end behind the body",
         "b",
         "--b\r\nContent-Length: 3\r\n\r\none--b\r\nContent-Length: 3\r\n\r\ntwo",
         {"one", "two"}},
        {"bare LF", "b", "--b\nContent-Length: 3\n\none\n--b\n\ntwo\n--b\n\n", {"one", "two"}},
        {"the boundary in the body",
         "b",
         "--b\r\nContent-Length: 11\r\n\r\nx\r\n--b\r\ny\r\n\r\n--b\r\n\r\nz\r\n--b--",
         {"x\r\n--b\r\ny\r\n", "z"}},
        {"a word that begins as the boundary", "b", "--b\r\n\r\nx\r\n--bc\r\ny\r\n--b--", {"x\r\n--bc\r\ny"}},
        {"dashes in the parameter and once on the line",
         "--b",
         "--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--",
         {"one", "two"}},
        {"dashes in the parameter and twice on the line",
         "--b",
         "----b\r\n\r\none\r\n----b\r\n\r\ntwo\r\n----b--",
         {"one", "two"}},
        {"a length of nothing", "b", "--b\r\nContent-Length: 0\r\n\r\none\r\n--b--", {"one"}},
        {"spaces behind the boundary", "b", "--b \t\r\n\r\none\r\n--b--", {"one"}},
        {"a header of nothing", "b", "--b\r\n\r\n\r\n--b\r\n\r\none\r\n--b--", {"", "one"}},
    };
    for (const auto& one : cases) {
        for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{4096}}) {
            const Read got = read(one.boundary, one.wire, piece);
            EXPECT_FALSE(got.error) << one.what << ", cut by " << piece << ": " << got.error->what;
            EXPECT_EQ(got.bodies, one.bodies) << one.what << ", cut by " << piece;
        }
    }
}

TEST(MultipartReader, gives_a_part_of_known_length_without_waiting_for_what_follows) {
    EXPECT_EQ(read("b", "--b\r\nContent-Type: IMAGE/JPEG;x\r\nContent-Length: 3\r\n\r\none", 4096).types,
              std::vector<std::string>{"image/jpeg"});
    EXPECT_TRUE(read("b", "--b\r\n\r\none", 4096).bodies.empty());
}

TEST(MultipartReader, reads_when_a_picture_was_taken) {
    const struct {
        std::string_view written;
        std::optional<double> time;
    } cases[] = {{"1763670000.250000", 1763670000.25},
                 {"12", 12.0},
                 {"x", std::nullopt},
                 {"-1", std::nullopt},
                 {"1e300", std::nullopt},
                 {"nan", std::nullopt}};
    for (const auto& [written, time] : cases) {
        Reader reader = Reader::make("b").value();
        const std::string wire =
            "--b\r\nX-Timestamp: " + std::string{written} + "\r\nContent-Length: 1\r\n\r\n.";
        ASSERT_TRUE(reader.receive(as_bytes(wire)));
        EXPECT_EQ(reader.next()->timestamp, time) << written;
    }
}

TEST(MultipartReader, whose_word_a_time_is_stands_beside_it) {
    using enum media::CaptureTime::Label;
    const std::pair<std::string_view, media::CaptureTime::Label> cases[] = {
        {"capture", capture}, {"arrival", arrival}, {"sender", sender}, {"somebody", sender}};
    for (const auto& [written, label] : cases) {
        Reader reader = Reader::make("b").value();
        const std::string wire =
            "--b\r\nX-Timestamp-Origin: " + std::string{written} + "\r\nContent-Length: 1\r\n\r\n.";
        ASSERT_TRUE(reader.receive(as_bytes(wire)));
        EXPECT_EQ(reader.next()->origin, label) << written;
    }
}

TEST(MultipartReader, row_4_13_a_publishers_end_stands_before_the_part_that_may_follow) {
    const std::string picture = "--b\r\nContent-Length: 3\r\n\r\none\r\n";
    const std::string ended = "--b\r\nX-Publisher: ended\r\n";
    for (const std::size_t piece : {std::size_t{1}, std::size_t{5}, std::size_t{1000}}) {
        Reader reader = Reader::make("b").value();
        std::size_t parts = 0;
        const auto take = [&](std::string_view text) {
            for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
                EXPECT_TRUE(reader.receive(as_bytes(text.substr(0, piece))));
                while (reader.next()) {
                    ++parts;
                }
            }
        };
        take(picture + "--b\r\n");
        EXPECT_FALSE(reader.unpublished());
        take("X-Publisher: ended");
        EXPECT_FALSE(reader.unpublished()) << "its line has no end yet";
        take("\r\n");
        EXPECT_TRUE(reader.unpublished());
        take("Content-Length: 3\r\n\r\ntwo\r\n");
        EXPECT_EQ(parts, 2U) << "another publisher's picture";
        EXPECT_FALSE(reader.unpublished());
        take(ended);
        EXPECT_TRUE(reader.unpublished());
        take("X-Other: ended\r\n");
        EXPECT_TRUE(reader.unpublished());
    }
    Reader other = Reader::make("b").value();
    EXPECT_TRUE(other.receive(as_bytes("--b\r\nX-Other: ended\r\n")));
    EXPECT_FALSE(other.unpublished());
}

TEST(MultipartReader, is_bounded) {
    const std::string head = "--b\r\nContent-Length: ";
    EXPECT_EQ(read("b", head + "8388609\r\n\r\n", 4096).error->code, Errc::exhausted);
    EXPECT_EQ(read("b", head + "-1\r\n\r\n", 4096).error->code, Errc::exhausted);
    EXPECT_EQ(read("b", head + "99999999999999999999\r\n\r\n", 4096).error->code, Errc::exhausted);
    EXPECT_EQ(read("b", "--b\r\n" + std::string(9000, 'x'), 100).error->code, Errc::exhausted);
    EXPECT_EQ(read("b", std::string(70'000, 'x'), 1000).error->code, Errc::exhausted);
    EXPECT_EQ(read("b", "--b\r\n\r\n" + std::string(Reader::body_max + 100, 'x'), 65536).error->code,
              Errc::exhausted);
    EXPECT_EQ(read("b", "--b" + std::string(9000, ' '), 100).error->code, Errc::exhausted);
    EXPECT_EQ(read("b", "--b\r\nContent-Length: 1\r\n\r\n.garbage", 4096).error->code, Errc::malformed);
    EXPECT_EQ(read("b", "--b\r\nContent-Length: 1\r\n\r\n.\r\n\r\n\r\n\r\n\r\n\r\n", 4096).error->code,
              Errc::malformed);
    EXPECT_FALSE(Reader::make(""));
    EXPECT_FALSE(Reader::make(std::string(201, 'b')));
    EXPECT_FALSE(Reader::make("a\nb"));
}

TEST(MultipartReader, reads_what_a_content_type_says) {
    const struct {
        std::string_view text;
        std::string_view type;
        std::string_view boundary;
    } cases[] = {
        {"multipart/x-mixed-replace; boundary=frame", "multipart/x-mixed-replace", "frame"},
        {"Multipart/X-Mixed-Replace;boundary=\"a b\"", "multipart/x-mixed-replace", "a b"},
        {"multipart/x-mixed-replace; charset=x; BOUNDARY= --my ", "multipart/x-mixed-replace", "--my"},
        {"image/jpeg", "image/jpeg", ""},
        {"", "", ""},
        {"; boundary", "", ""},
    };
    for (const auto& [text, type, boundary] : cases) {
        EXPECT_EQ(read_content_type(text).type, type);
        EXPECT_EQ(read_content_type(text).boundary, boundary);
    }
}

}   // namespace
}   // namespace millrace::multipart
