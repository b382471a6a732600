// Who may do what: roles and permissions as data. The first row that needs a change is the table below, nothing else.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace reeve::server {

enum class Permission : uint8_t {
  none,  // anybody may ask; said explicitly, never by leaving it out
  signals_read,
  signals_write,
  incidents_write,
  fixes_plan,
  approvals_submit,
  fixes_stop,
  reports_read,
  agents_write,
  org_admin,
};

enum class Role : uint8_t { viewer, engineer, manager, approver, admin };

struct Grant {
  Permission permission;
  std::string_view name;
  std::array<bool, 5> roles;  // viewer, engineer, manager, approver, admin
};

inline constexpr std::array grants{
    Grant{Permission::none, "none", {true, true, true, true, true}},
    Grant{Permission::signals_read, "signals.read", {true, true, true, true, true}},
    Grant{Permission::signals_write, "signals.write", {false, true, false, true, true}},
    Grant{Permission::incidents_write, "incidents.write", {false, true, false, true, true}},
    Grant{Permission::fixes_plan, "fixes.plan", {false, true, false, true, true}},
    Grant{Permission::approvals_submit, "approvals.submit", {false, false, false, true, false}},
    Grant{Permission::fixes_stop, "fixes.stop", {false, true, true, true, true}},
    Grant{Permission::reports_read, "reports.read", {false, false, true, true, true}},
    Grant{Permission::agents_write, "agents.write", {false, false, false, false, true}},
    Grant{Permission::org_admin, "org.admin", {false, false, false, false, true}},
};

constexpr const Grant& grant_of(Permission permission) {
  return grants[static_cast<size_t>(permission)];
}
constexpr bool may(Role role, Permission permission) {
  return grant_of(permission).roles[static_cast<size_t>(role)];
}

static_assert(
    [] {
      for (size_t i = 0; i < grants.size(); ++i) {
        if (grants[i].permission != static_cast<Permission>(i)) return false;
      }
      return true;
    }(),
    "the rows stand in the order of the permissions");

inline constexpr std::array<std::string_view, 5> role_names{"viewer", "engineer", "manager", "approver", "admin"};
constexpr std::string_view to_string(Role role) {
  return role_names[static_cast<size_t>(role)];
}
constexpr std::optional<Role> parse_role(std::string_view text) {
  for (size_t i = 0; i < role_names.size(); ++i) {
    if (role_names[i] == text) return static_cast<Role>(i);
  }
  return std::nullopt;
}

}  // namespace reeve::server
