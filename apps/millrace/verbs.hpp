#pragma once

#include "control/configuration.hpp"
#include "control/one_stream.hpp"

#include <string>

namespace millrace::apps {

/// Exit codes beside 0: it did not work; it cannot work as it was asked for.
inline constexpr int failed = 1;
inline constexpr int wrong_usage = 2;

/// Runs a node until SIGINT or SIGTERM. Returns the exit code. Throws on start-up errors.
int serve(const control::ConfigurationSources& sources);

/// What `millrace demo` may be told.
struct DemoOptions {
    std::string address = "127.0.0.1";   ///< numeric; ports move on to the next free ones
};

/// Runs a camera box with the synthetic camera on stream demo/cam, its server as a process of its own, and a
/// link between them that a page cuts; prints the page's address. On loopback both are open; elsewhere they
/// take whoever has the token in that address. Until SIGINT or SIGTERM; it keeps nothing.
int demo(const DemoOptions& options);

/// What `millrace send` is told.
struct SendOptions {
    std::string source;        ///< as the configuration has it
    std::string destination;   ///< likewise; or, in its place,
    std::string listen;        ///< where others may come for it: "rtsp://:8554/cam"
    control::EncodeWords encode;
    std::string results;    ///< where results are read, one a line: a FIFO, or "-"; empty: nowhere
    std::string messages;   ///< where it is written what applications say to it; likewise
    bool json = false;      ///< one object a second on stdout
    bool once = false;      ///< ends when the destination cannot be reached or breaks
};

/// The camera's side without a configuration: captures, encodes and pushes until the source ends or SIGINT or
/// SIGTERM comes. Returns the exit code: 2 for a source or destination that cannot be used.
int send(const SendOptions& options);

/// What `millrace receive` is told.
struct ReceiveOptions {
    std::string source;   ///< an address, or a file
    std::string save;     ///< a file to keep it in; its ending says the container
    std::string raw;      ///< how pictures go to stdout: "bgr24", "rgb24", "yuv420p"; empty: they do not
    std::uint64_t frames = 0;   ///< ends after so many pictures; 0: does not
    double seconds = 0;         ///< ends after so long from the first media; 0: does not
    bool json = false;          ///< one object a second, on stdout, or with `raw` on stderr
    std::string transport;   ///< how RTSP's packets travel: "udp", "tcp", "http", "auto"; empty: as by itself
    std::string sound =
        "off";   ///< the sound card that plays the sound, by its ALSA name; "off": nobody hears it
    bool hardware = false;   ///< this machine's video decoder is used, if it has one
};

/// Receives and decodes one stream without a window, until it ends, there was enough, or SIGINT or SIGTERM
/// comes. Returns the exit code: 0 only if media came, 2 for an address that cannot be used.
int receive(const ReceiveOptions& options);

/// What `millrace probe` is told.
struct ProbeOptions {
    std::string source;
    bool json = false;
};

/// Looks at a stream for some seconds and explains it on stdout. Returns the exit code, as `receive`.
int probe(const ProbeOptions& options);

/// What `millrace check` is told.
struct CheckOptions {
    std::string folder;             ///< `storage.path`, or the archive in it
    std::string depth = "bodies";   ///< "index", "heads", "bodies"
    bool json = false;
};

/// Verifies an archive that no node has open, and says what is wrong with it. Returns the exit code: 0 only
/// if it is sound.
int check_archive(const CheckOptions& options);

struct ImportOptions {
    std::string file;                         ///< fragmented MP4
    std::string name;                         ///< of the stream
    std::string folder = "./millrace-data";   ///< `storage.path`
    std::string from;                         ///< RFC 3339; empty: the file says
};

/// Puts a file into the archive of a node that does not run. Returns the exit code.
int import_file(const ImportOptions& options);

/// What `millrace enroll` is told.
struct EnrollOptions {
    std::string
        what;   ///< a token, "kcp://NAME:KEY@HOST:PORT/STREAM": use it; else a stream: make one for it
    std::string keys = "./millrace-keys.psk";     ///< of a box: where its key is kept
    std::string node = "http://127.0.0.1:8080";   ///< of a server: where its API is
    std::string name;                             ///< likewise, of the box; empty: the stream's last part
    std::string server;                           ///< likewise, by which host boxes reach it
    unsigned hours = 24;                          ///< likewise, how long the token is good
};

/// Makes a token at a server, or uses it at a box: once. Returns the exit code.
int enroll(const EnrollOptions& options);

/// Asks for a password, twice where somebody types it, and prints the line of user `name` for a
/// configuration; with `digest`, what Digest access needs stands in it too. Returns the exit code.
int password(const std::string& name, bool digest);

/// Prints the cameras, screens and microphones that can be a source, for people or as a JSON object a line.
/// Returns the exit code, where it returns.
int devices(bool as_json);

}   // namespace millrace::apps
