#include "control/api_words.hpp"

#include <algorithm>

namespace millrace::control {

namespace {

constexpr std::string_view json_type = "application/json";

/// Whether a Content-Type names JSON; parameters such as a charset change nothing about it (RFC 8259 §11).
bool is_json(std::string_view type) {
    type = type.substr(0, type.find(';'));
    while (type.ends_with(' ') || type.ends_with('\t')) {
        type.remove_suffix(1);
    }
    return web::same_name(type, json_type) || web::same_name(type, "application/merge-patch+json");
}

}   // namespace

Task<Result<hub::Admitted>> admit_admin(hub::Admission& admission, const web::Request& request,
                                        Executor& executor) {
    hub::Petition petition = hub::petition_of(request, hub::Action::admin, "http");
    co_return co_await hub::ask(admission, std::move(petition), executor);
}

web::Response json_answer(int status, std::string_view text) {
    web::Response response = web::Response::text(status, text, json_type);
    response.headers.push_back({"Cache-Control", "no-store"});
    return response;
}

web::Response json_list(YamlNode items) {
    const std::size_t total = items.items.size();
    YamlNode list = map_node();
    put(list, "items", std::move(items));
    put(list, "total", plain_node(std::to_string(total)));
    return json_answer(200, json_text(list));
}

std::variant<YamlNode, web::Response> json_body(const web::Request& request) {
    if (request.header("content-encoding")) {
        return web::Response::problem(415, "a packed body is not taken: send it without Content-Encoding");
    }
    if (!is_json(request.header("content-type").value_or(""))) {
        return web::Response::problem(415, "the body must be JSON, with Content-Type: application/json");
    }
    Result<YamlNode> node = parse_json(request.body);
    if (!node) {
        return web::Response::problem(400, node.error().what);
    }
    return std::move(*node);
}

std::function<bool(std::string_view)> exactly(std::string_view path) {
    return [path](std::string_view asked) { return asked == path; };
}

std::function<bool(std::string_view)> below(std::string_view path) {
    return [path](std::string_view asked) { return !behind(asked, path).empty(); };
}

std::string_view behind(std::string_view path, std::string_view prefix) {
    const bool inside =
        path.starts_with(prefix) && path.size() > prefix.size() + 1 && path[prefix.size()] == '/';
    return inside ? path.substr(prefix.size() + 1) : std::string_view{};
}

}   // namespace millrace::control
