ALTER TABLE ridealong.review_section ADD COLUMN workings jsonb NOT NULL DEFAULT '{}';
ALTER TABLE ridealong.review_section ALTER COLUMN workings SET STATISTICS 0;
ALTER TABLE ridealong.review_section ADD CONSTRAINT review_section_workings_are_an_object
    CHECK (jsonb_typeof(workings) = 'object');
