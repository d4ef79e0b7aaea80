ALTER TABLE ridealong.call ADD COLUMN customer text NOT NULL DEFAULT '';
ALTER TABLE ridealong.call ADD COLUMN deal text NOT NULL DEFAULT '';
ALTER TABLE ridealong.call ADD COLUMN call_type text NOT NULL DEFAULT '';
ALTER TABLE ridealong.call ADD COLUMN stage text NOT NULL DEFAULT '';
ALTER TABLE ridealong.call ADD CONSTRAINT call_customer_and_deal_are_short
    CHECK (char_length(customer) <= 300 AND char_length(deal) <= 300);
ALTER TABLE ridealong.call ADD CONSTRAINT call_type_and_stage_are_short
    CHECK (char_length(call_type) <= 64 AND char_length(stage) <= 64);
CREATE INDEX call_of_a_customer ON ridealong.call (tenant_id, lower(customer), started_at DESC) WHERE customer <> '';
CREATE INDEX call_of_a_deal ON ridealong.call (tenant_id, lower(deal), started_at DESC) WHERE deal <> '';
ALTER TABLE ridealong.call ALTER COLUMN customer SET STATISTICS 0;
ALTER TABLE ridealong.call ALTER COLUMN deal SET STATISTICS 0;
ALTER TABLE ridealong.call ALTER COLUMN call_type SET STATISTICS 0;
ALTER TABLE ridealong.call ALTER COLUMN stage SET STATISTICS 0;
ALTER INDEX ridealong.call_of_a_customer ALTER COLUMN 2 SET STATISTICS 0;
ALTER INDEX ridealong.call_of_a_deal ALTER COLUMN 2 SET STATISTICS 0;
