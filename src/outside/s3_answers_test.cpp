#include "outside/s3_answers.hpp"

#include "outside/digests.hpp"

#include <gtest/gtest.h>

namespace millrace::outside {
namespace {

constexpr std::string_view page = R"(<?xml version="1.0"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>p/</Prefix>
<KeyCount>2</KeyCount><Contents><Key>p/live/cam/run/0000000001.mp4</Key><Size>67108864</Size>
<ETag>&quot;00&quot;</ETag></Contents>
<Contents><Key>p/a&amp;b &lt;&#x263A;&#65;</Key><Size>0</Size></Contents>
</ListBucketResult>)";

TEST(S3Answers, list_objects_without_their_prefix) {
    const auto objects = read_list(page, "p/");
    ASSERT_TRUE(objects);
    ASSERT_EQ(objects->size(), 2U);
    EXPECT_EQ(objects->at(0).name, "live/cam/run/0000000001.mp4");
    EXPECT_EQ(objects->at(0).size, 67'108'864U);
    EXPECT_EQ(objects->at(1).name,
              "a&b <\u263A"
              "A");
}

TEST(S3Answers, list_nothing_that_they_do_not_say_whole) {
    EXPECT_TRUE(read_list("<ListBucketResult></ListBucketResult>", "")->empty());
    for (const std::string_view text :
         {"", "<html>", "<ListBucketResult>",
          "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
          "<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
          "<ListBucketResult><Contents><Key>a</Key><Size>1x</Size></Contents></ListBucketResult>",
          "<ListBucketResult><Contents><Key>a</Key><Size>99999999999999999999</Size></Contents></"
          "ListBucketResult>"}) {
        EXPECT_FALSE(read_list(text, "")) << text;
    }
    EXPECT_FALSE(read_list(page, "other/"));
    for (std::size_t cut = 0; cut < page.size(); ++cut) {
        const auto objects = read_list(page.substr(0, cut), "p/");
        EXPECT_TRUE(!objects || objects->size() <= 2) << cut;
    }
    std::string many = "<ListBucketResult>";
    for (std::size_t count = 0; count <= archive::ObjectStore::page_max; ++count) {
        many += "<Contents><Key>a</Key><Size>1</Size></Contents>";
    }
    EXPECT_FALSE(read_list(many + "</ListBucketResult>", ""));
}

TEST(S3Answers, elements_are_read_by_their_names_alone) {
    EXPECT_EQ(element("<UploadIdent>x</UploadIdent><UploadId>a&#x2F;b&bad;&</UploadId>", "UploadId"),
              "a/b&bad;&");
    EXPECT_EQ(element("<ETag/>", "ETag"), "");
    EXPECT_EQ(element("<ETag", "ETag"), "");
    EXPECT_EQ(element("<A>&#xFFFFFFFF;&#0x;</A>", "A"), "&#xFFFFFFFF;&#0x;");
}

TEST(S3Answers, say_what_somebody_has_to_do) {
    EXPECT_EQ(read_error(404, "<Error><Code>NoSuchKey</Code></Error>").code, Errc::not_found);
    EXPECT_EQ(read_error(404, "<Error><Code>NoSuchBucket</Code></Error>").code, Errc::refused);
    EXPECT_EQ(read_error(404, "").code, Errc::not_found);
    EXPECT_EQ(read_error(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>").code, Errc::refused);
    EXPECT_EQ(read_error(403, "").code, Errc::refused);
    EXPECT_EQ(read_error(503, "<Error><Code>SlowDown</Code></Error>").code, Errc::timed_out);
    EXPECT_EQ(read_error(500, "").code, Errc::timed_out);
    EXPECT_EQ(read_error(507, "").code, Errc::exhausted);
    EXPECT_EQ(read_error(418, "<Code>").code, Errc::io);
}

TEST(S3Answers, names_are_encoded_as_they_are_signed) {
    EXPECT_EQ(percent_encoded("live/cam 1/a-b._~+%\xC3\xA4", true), "live/cam%201/a-b._~%2B%25%C3%A4");
    EXPECT_EQ(percent_encoded("a/b", false), "a%2Fb");
}

TEST(Digests, are_those_of_their_specifications) {
    EXPECT_EQ(hexadecimal(md5(as_bytes("message digest"))), "f96b697d7cb7938d525a2f31aaf161d0");
    EXPECT_EQ(hexadecimal(sha256(as_bytes("abc"))),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}   // namespace
}   // namespace millrace::outside
