#include "media/video_vectors.hpp"

// Made with libx264 by ffmpeg 5.1 from its own test picture.
namespace millrace::media {

namespace {

CodedStream high() {
    return {"high profile, B pictures",
            640,
            360,
            25,
            2,
            "avc1.64001e",
            {
                {{"6764001eacd940a02ff97011000003000100000300320f162d96", "68ebe3cb22c0",
                  "6588840047dae3985bd757"},
                 PictureType::i,
                 true,
                 false,
                 27},
                {{"419a226c457fbc7c7f296abf"}, PictureType::p, false, false, 28},
                {{"019e41790b7ff1105a8ec870"}, PictureType::b, false, false, 34},
                {{"419a443c2193298457f136bf8a55d9"}, PictureType::p, false, false, 28},
                {{"019e636a42dff0e55c74b253"}, PictureType::b, false, false, 34},
                {{"419a6749e10f2653023bff4d6a9d1996"}, PictureType::p, false, false, 30},
            }};
}

CodedStream base() {
    return {"baseline",
            176,
            144,
            15,
            0,
            "avc1.42c00a",
            {
                {{"6742c00ad902c4ec0440000003004000000783c48992", "68cb83cb20", "65888415f1088ac181087e"},
                 PictureType::i,
                 true,
                 false,
                 28},
                {{"419a3833f8da9309fe2b"}, PictureType::p, false, false, 29},
                {{"419a540eff0e4fde5e0776"}, PictureType::p, false, false, 30},
            }};
}

CodedStream inter() {
    return {"interlaced, open GOP, two slices",
            1920,
            1080,
            25,
            2,
            "avc1.640028",
            {
                {{"67640028acd94078044fde0220000003002000000643e2c5b2c0", "68fba3cb22c0", "0601013280",
                  "6588820b057fe1d7ad678dcb", "65003fc88820b037fff6e103f814"},
                 PictureType::i,
                 true,
                 false,
                 28},
                {{"0601013280", "419a21de429fcfe990f04fd9", "41003fc9a21de42bfffebd0000f2"},
                 PictureType::p,
                 false,
                 false,
                 33},
                {{"0601013280", "419e40df884bffee76ab3070", "41003fc9e40df8857f000e00caa8e6"},
                 PictureType::b,
                 false,
                 false,
                 32},
                {{"0601013280", "019e615ea429ffc386cdb67e", "01003fc9e615ea42bf000dff9f5467"},
                 PictureType::b,
                 false,
                 false,
                 33},
                {{"67640028acd94078044fde0220000003002000000643e2c5b2c0", "68fba3cb22c0", "060601c480",
                  "0601013280", "418898b615ffe1d7ad678dc1", "41003fc8898b60eff6e3abf814d1"},
                 PictureType::i,
                 true,
                 false,
                 28},
                {{"0601013280", "019e825c429fc2a239dfdda7", "01003fc9e825c42bff001569d7ea"},
                 PictureType::b,
                 false,
                 true,
                 33},
                {{"0601013280", "419a83dfc9444d2c29ff2040ffcc51", "41003fc9a83dfc9444d2c2bffebd0002454d"},
                 PictureType::p,
                 false,
                 false,
                 33},
            }};
}

CodedStream open() {
    return {"open GOP, B references",
            640,
            360,
            25,
            2,
            "avc1.64001e",
            {
                {{"6764001eacd940a02ff97011000003000100000300320f162d96", "68ebe3cb22c0",
                  "6588840057e9d7ad678dcb"},
                 PictureType::i,
                 true,
                 false,
                 28},
                {{"419a246c42dfd2e288fcff58"}, PictureType::p, false, false, 34},
                {{"419e427884bfeefa4a8aff3d"}, PictureType::b, false, false, 32},
                {{"019e617442dff021bec79bf3"}, PictureType::b, false, false, 34},
                {{"019e636a42dfb6b53f7fa262"}, PictureType::b, false, false, 34},
                {{"6764001eacd940a02ff97011000003000100000300320f162d96", "68ebe3cb22c0", "060601c480",
                  "418899837fd4d44633d757"},
                 PictureType::i,
                 true,
                 false,
                 26},
                {{"019e85442dffb6b4aec908"}, PictureType::b, false, true, 34},
                {{"419a8a7c99444d2c2dff60ce95a196"}, PictureType::p, false, false, 34},
                {{"419ea87885bfc134197f2c32"}, PictureType::b, false, false, 34},
            }};
}

CodedStream h422() {
    return {
        "high 4:2:2, 10 bits, intra refresh",
        320,
        242,
        30000.0 / 1001,
        0,
        "avc1.7a000d",
        {
            {{"677a000db6cb40a043f1f808800001f480007530078a1550", "68ef0f2cc00b", "6588841dffd2acfdd09bd9"},
             PictureType::i,
             true,
             false,
             30},
            {{"419a26210fca8e12983dd7"}, PictureType::p, false, false, 31},
            {{"419a46210fc9b7144c251a"}, PictureType::p, false, false, 31},
            {{"419a6623bfca115790ad44"}, PictureType::p, false, false, 30},
            {{"677a000db6cb40a043f1f808800001f480007530078a1550", "68ef0f2cc00b", "060602244080",
              "419a8623bffe304d1eb537"},
             PictureType::p,
             false,
             false,
             30},
            {{"419aa623bfc56a09f0a261"}, PictureType::p, false, false, 30},
        }};
}

CodedStream fade() {
    return {"weighted prediction, HRD",
            640,
            360,
            25,
            1,
            "avc1.64001e",
            {
                {{"6764001eacd100a02ff97011000003000100000300326480030d40061aa4a30078b16890", "68ebe3cb22c0",
                  "06000593c670465380", "0601030000a080", "6588840057fffef6737c0a"},
                 PictureType::i,
                 true,
                 false,
                 13},
                {{"0601030040a080", "419a22dc28010122ff9fd40b24aec9"}, PictureType::p, false, false, 18},
                {{"06010300812080", "419a4693c2108643602e81ec803fc8010180ba07e07f9332fa7a52d7ca"},
                 PictureType::p,
                 false,
                 false,
                 23},
                {{"06010300c02080", "019e64d48affaaaf386713a7"}, PictureType::b, false, false, 28},
                {{"06010301012080", "419a6a97c2108790a78360bc06b00ad01b002c60d83201377881fe1aa59537"},
                 PictureType::p,
                 false,
                 false,
                 26},
                {{"06010301402080", "019e88d48effae452f294ace"}, PictureType::b, false, false, 30},
            }};
}

}   // namespace

std::vector<CodedStream> h264_streams() {
    return {high(), base(), inter(), open(), h422(), fade()};
}

}   // namespace millrace::media
