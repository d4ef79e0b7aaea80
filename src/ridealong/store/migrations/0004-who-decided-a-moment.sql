-- Who named a moment's type: this machine alone (`local`), or a hosted model (`vendor:model`).
ALTER TABLE ridealong.moment ADD COLUMN decided_by text NOT NULL DEFAULT 'local';
-- As for every text column: the planner keeps no samples of it.
ALTER TABLE ridealong.moment ALTER COLUMN decided_by SET STATISTICS 0;
