-- What was known of the call when the review was made: where that changed since, the review is outdated.
ALTER TABLE ridealong.review ADD COLUMN context jsonb;
ALTER TABLE ridealong.review ALTER COLUMN context SET STATISTICS 0;
