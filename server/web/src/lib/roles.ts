// The roles, the least first, as the server names them.
export const roles = ['viewer', 'engineer', 'manager', 'approver', 'admin'] as const;
export type Role = (typeof roles)[number];
