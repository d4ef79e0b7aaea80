ALTER TABLE ridealong.call ADD COLUMN external_id text NOT NULL DEFAULT '';
ALTER TABLE ridealong.call ALTER COLUMN external_id SET STATISTICS 0;
CREATE INDEX call_by_external_id ON ridealong.call (tenant_id, external_id) WHERE external_id <> '';
