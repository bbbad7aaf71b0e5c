#include "control/configuration_auth.hpp"

#include "base/date_time.hpp"
#include "base/hex.hpp"
#include "control/digest.hpp"
#include "control/password.hpp"

#include <algorithm>
#include <array>

namespace millrace::control {

namespace {

constexpr std::size_t name_size_max = 64;

struct NamedAction {
    std::string_view name;
    hub::Action value;
};

constexpr std::array actions{
    NamedAction{"publish", hub::Action::publish},
    NamedAction{"play", hub::Action::play},
    NamedAction{"archive", hub::Action::archive},
    NamedAction{"admin", hub::Action::admin},
};

Grant read_grant(const Setting& setting) {
    constexpr std::string_view wanted =
        "ACTION:NAME with publish, play, archive or admin, such as \"publish:live/*\"";
    const std::string_view text = setting.text(wanted);
    const std::size_t colon = std::min(text.find(':'), text.size());
    const auto action = std::ranges::find(actions, text.substr(0, colon), &NamedAction::name);
    if (action == actions.end() || colon == text.size()) {
        setting.refuse_value(wanted);
    }
    auto pattern = NamePattern::parse(text.substr(colon + 1));
    if (!pattern) {
        setting.refuse(pattern.error().what);
    }
    return {action->value, std::move(*pattern)};
}

std::vector<Grant> read_grants(const Setting& setting) {
    std::vector<Grant> grants;
    for (const auto& item : setting.list(Configuration::grants_max)) {
        grants.push_back(read_grant(item));
    }
    return grants;
}

std::string read_name(const Setting& setting) {
    constexpr std::string_view wanted = "a name of 1 to 64 letters, digits and _ . @ ~ -";
    const std::string& name = setting.text(wanted);
    if (!is_user_name(name)) {
        setting.refuse_value(wanted);
    }
    return name;
}

std::string read_password(const Setting& setting) {
    const YamlNode& node = setting.node();
    const Result<PasswordHash> hash =
        node.kind == YamlNode::Kind::scalar ? PasswordHash::parse(node.text) : fail(Errc::malformed, "");
    // The value stays out of the text: it may be a password in the clear.
    if (!hash && hash.error().code == Errc::unsupported) {
        setting.refuse(hash.error().what);
    }
    if (!hash) {
        setting.refuse("wanted is the whole line that 'millrace password NAME' prints: $argon2id$ and so on");
    }
    return node.text;
}

std::string read_digest_secret(const Setting& setting, std::size_t digits) {
    const YamlNode& node = setting.node();
    const bool right = node.kind == YamlNode::Kind::scalar && node.text.size() == digits &&
                       std::ranges::all_of(node.text, [](char c) {
                           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                       });
    // The value stays out of the text: it is as good as the password.
    if (!right) {
        setting.refuse("wanted are the lower-case digits that 'millrace password --digest NAME' prints");
    }
    return node.text;
}

DigestSecrets read_digest(const Setting& setting) {
    if (setting.node().kind != YamlNode::Kind::map) {
        setting.refuse("wanted is { md5: …, sha256: … } as 'millrace password --digest NAME' prints it");
    }
    DigestSecrets digest;
    for (const auto& entry : setting.map(2)) {
        if (entry.node().key == "md5") {
            digest.md5 = read_digest_secret(entry, DigestSecrets::md5_digits);
        } else if (entry.node().key == "sha256") {
            digest.sha256 = read_digest_secret(entry, DigestSecrets::sha256_digits);
        } else {
            entry.refuse("unknown key; a user's digest has md5 and sha256");
        }
    }
    return digest;
}

Token::Hash read_hash(const Setting& setting) {
    constexpr std::string_view wanted =
        "wanted is the SHA-256 of the token as 64 hexadecimal digits: printf %s TOKEN | sha256sum";
    const YamlNode& node = setting.node();
    const auto hash = node.kind == YamlNode::Kind::scalar ? parse_digest(node.text) : std::nullopt;
    // The value stays out of the text: it may be the token itself.
    if (!hash) {
        setting.refuse(wanted);
    }
    return *hash;
}

WallTime read_expiry(const Setting& setting) {
    constexpr std::string_view wanted = "a time such as 2027-01-31T12:00:00Z (RFC 3339)";
    const auto time = parse_date_time(setting.text(wanted));
    if (!time) {
        setting.refuse_value(wanted);
    }
    return *time;
}

}   // namespace

bool is_user_name(std::string_view name) {
    return !name.empty() && name.size() <= name_size_max && std::ranges::all_of(name, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               std::string_view{"_.@~-"}.find(c) != std::string_view::npos;
    });
}

std::vector<std::byte> read_key(const Setting& setting) {
    const YamlNode& node = setting.node();
    auto bytes = node.kind == YamlNode::Kind::scalar ? hex_bytes(node.text) : std::nullopt;
    // The value stays out of the text.
    if (!bytes || bytes->size() < User::key_size_min || bytes->size() > User::key_size_max) {
        setting.refuse("wanted is a key of 32 to 128 hexadecimal digits");
    }
    return std::move(*bytes);
}

User read_user(const Setting& setting) {
    User user;
    for (const auto& entry : setting.map(6)) {
        const std::string& key = entry.node().key;
        if (key == "name") {
            user.name = read_name(entry);
        } else if (key == "password") {
            user.password = read_password(entry);
        } else if (key == "digest") {
            user.digest = read_digest(entry);
        } else if (key == "key") {
            user.key = read_key(entry);
        } else if (key == "allow") {
            user.allow = read_grants(entry);
        } else {
            entry.refuse("unknown key; a user has name, password, digest, key and allow");
        }
    }
    if (user.name.empty()) {
        setting.refuse("a user needs a name");
    }
    return user;
}

std::vector<User> read_users(const Setting& setting) {
    std::vector<User> users;
    for (const auto& item : setting.list(Configuration::users_max)) {
        User added = read_user(item);
        if (std::ranges::find(users, added.name, &User::name) != users.end()) {
            item.refuse(fmt::format("there are two users of the name {}", added.name));
        }
        users.push_back(std::move(added));
    }
    return users;
}

Token read_token(const Setting& setting) {
    Token token;
    bool hashed = false;
    for (const auto& entry : setting.map(5)) {
        const std::string& key = entry.node().key;
        if (key == "name") {
            token.name = read_name(entry);
        } else if (key == "sha256") {
            token.sha256 = read_hash(entry);
            hashed = true;
        } else if (key == "allow") {
            token.allow = read_grants(entry);
        } else if (key == "expires") {
            token.expires = read_expiry(entry);
        } else {
            entry.refuse("unknown key; a token has name, sha256, allow and expires");
        }
    }
    if (token.name.empty() || !hashed) {
        setting.refuse("a token needs a name and sha256");
    }
    return token;
}

std::vector<Token> read_tokens(const Setting& setting) {
    std::vector<Token> tokens;
    for (const auto& item : setting.list(Configuration::tokens_max)) {
        Token added = read_token(item);
        if (std::ranges::find(tokens, added.name, &Token::name) != tokens.end()) {
            item.refuse(fmt::format("there are two tokens of the name {}", added.name));
        }
        if (std::ranges::find(tokens, added.sha256, &Token::sha256) != tokens.end()) {
            item.refuse(fmt::format("the token {} is the same as one before it", added.name));
        }
        tokens.push_back(std::move(added));
    }
    return tokens;
}

}   // namespace millrace::control
