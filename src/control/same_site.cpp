#include "control/same_site.hpp"

#include "base/web.hpp"
#include "control/ip_address.hpp"

#include <algorithm>

namespace millrace::control {

namespace {

/// RFC 9110 §7.2: the name of "name:port" or "[address]:port"; empty if it is neither.
std::string_view name_of(std::string_view host) {
    const std::size_t end = host.starts_with('[') ? host.find(']') : host.find(':');
    const std::size_t size =
        std::min(end, host.size()) + (host.starts_with('[') && end < host.size() ? 1 : 0);
    const std::string_view port = host.substr(size);
    const bool legal =
        port.empty() || (port.starts_with(':') && port.size() <= 6 &&
                         std::ranges::all_of(port.substr(1), [](char c) { return c >= '0' && c <= '9'; }));
    return legal ? host.substr(0, size) : std::string_view{};
}

bool is_number(std::string_view name) {
    const bool bracketed = name.starts_with('[') && name.ends_with(']');
    return bracketed ? is_ipv6_address(name.substr(1, name.size() - 2)) : is_ipv4_address(name);
}

/// RFC 6454 §4: a page of this very address. `null`, which sandboxed pages say, never is.
bool is_own_origin(const hub::Petition& petition) {
    const std::string_view origin = petition.origin;
    const std::string_view scheme = petition.encrypted ? "https://" : "http://";
    return !petition.host.empty() && origin.starts_with(scheme) &&
           web::same_name(origin.substr(scheme.size()), petition.host);
}

bool may_come_from(const hub::Petition& petition, const OwnNames& names) {
    return petition.origin.empty() || is_own_origin(petition) ||
           std::ranges::find(names.origins, petition.origin) != names.origins.end();
}

}   // namespace

bool is_own_host(std::string_view host, const OwnNames& names) {
    const std::string_view name = name_of(host);
    if (name.empty()) {
        return false;
    }
    return is_number(name) || web::same_name(name, "localhost") ||
           (!names.machine.empty() && web::same_name(name, names.machine)) ||
           std::ranges::any_of(names.hosts,
                               [&](const std::string& own) { return web::same_name(name, own); });
}

Result<> may_change(const hub::Petition& petition, const OwnNames& names) {
    if (!is_own_host(petition.host, names)) {
        return fail(Errc::refused,
                    "this node does not know itself by this Host: list the name in http.hosts");
    }
    if (!may_come_from(petition, names)) {
        return fail(Errc::refused,
                    "a page of another Origin may change nothing here; list it in http.cors, or "
                    "its proxy in http.trusted_proxies");
    }
    return {};
}

bool cookie_counts(const hub::Petition& petition, const OwnNames& names) {
    return is_own_host(petition.host, names) && may_come_from(petition, names);
}

}   // namespace millrace::control
